export { type AdoptingOptions, applyAdopting } from "./apply-adopting";
export { isTaken } from "./conflicts";
export { UnfinishedCreations } from "./unfinished-creations";
