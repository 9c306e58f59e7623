export { type AdoptingOptions, applyAdopting } from "./apply-adopting";
export { isTaken } from "./conflicts";
