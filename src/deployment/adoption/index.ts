export { type AdoptingOptions, applyAdopting } from "./apply-adopting";
export { isAdoptable } from "./cloud-objects";
export { isTaken } from "./conflicts";
export { requireAdoptable } from "./named-addresses";
export { UnfinishedCreations } from "./unfinished-creations";
