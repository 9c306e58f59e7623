export * from "./infrastructure-values";
export { type Replacement, replacementsFor } from "./placeholders";
