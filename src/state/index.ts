export {
  type BackUpResult,
  type Backup,
  backUp,
  backupFolder,
  backupPath,
  describeBackup,
  describeTime,
  KEPT_BACKUPS,
  listBackups,
  newestUsable,
  readBackup,
  sameLineage,
  stateName,
} from "./backups";
export { checkStates, type StackState, type StateReport, summarizeBackups } from "./check";
export { type RecoveredState, recoverErroredState } from "./errored-state";
export { LocalStore } from "./local-store";
export { explainLost, findLostStates, type LostState, refuseLostStates } from "./lost-states";
export { localStore, openStore, STATE_FOLDER } from "./open-store";
export { planRestoration, type Restoration, type Restored, restoreBackup } from "./restore";
export { count, describeFile, parseState, type ReadableState, type StateFile } from "./state-file";
export type { StateStore } from "./state-store";
