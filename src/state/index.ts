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
export { explainLost, findLostStates, type LostState, LostStates, refuseLostStates } from "./lost-states";
export { localStore, openStore, STATE_FOLDER } from "./open-store";
export { newestOwn, planRestoration, type Restoration, type Restored, restoreBackup } from "./restore";
export { markBucket, unmarkBucket } from "./spaces/bucket-marker";
export { switchLockfileOff } from "./spaces/lockfile-setting";
export { type MigrationStep, migrateStates, planMigration } from "./spaces/migrate";
export { MigratingLocalStore, MigratingSpacesStore } from "./spaces/migration-stores";
export { refuseMisplacedStates } from "./spaces/misplaced-states";
export { checkBucket, type PreparationFinding, prepareBucket } from "./spaces/prepare";
export { keysOf } from "./spaces/spaces-keys";
export { openSpacesStore, SpacesStore } from "./spaces/spaces-store";
export { readLock, unlockState } from "./spaces/unlock";
export { count, describeFile, parseState, type ReadableState, type StateFile } from "./state-file";
export { describeLock, type StateLock, stateLock } from "./state-lock";
export { placeIn, type StateStore } from "./state-store";
export { knownStacks, readStates, statesInUse } from "./stored-states";
