export { configure } from "./configure";
export { explainMissing } from "./evidence";
export { type Change, type Plan, pendingFiles, planConfiguration } from "./plan";
export { type ConfigurationRecord, readRecord } from "./record";
export { explainRefusal, type RestoreOptions, type RestoreResult, restoreBackups } from "./restore";
export { renderReplacements, replaceTokens, type TokenReplacement } from "./token-replacement";
