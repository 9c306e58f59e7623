export { pendingFiles } from "./pending";
export { type ConfigurationRecord, readRecord } from "./record";
export { explainRefusal, type RestoreOptions, type RestoreResult, restoreBackups } from "./restore";
export { renderReplacements, replaceTokens, type TokenReplacement } from "./token-replacement";
