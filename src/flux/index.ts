export * from "./infrastructure-values";
export { FLUX_HOST, type Replacement, replacementsFor } from "./placeholders";
