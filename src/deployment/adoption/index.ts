export { type AdoptingOptions, applyAdopting } from "./apply-adopting";
export { isTaken } from "./conflicts";
export { requireAdoptable } from "./named-addresses";
export { UnfinishedCreations } from "./unfinished-creations";
