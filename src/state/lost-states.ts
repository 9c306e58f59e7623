import type { Workspace } from "../workspace";
import {
  type Backup,
  describeBackup,
  listBackups,
  newestUsable,
  readSettled,
  sameLineage,
  stateName,
} from "./backups";
import { describeFile, type ReadableState, type StateFile } from "./state-file";
import type { StateStore } from "./state-store";

/** A state that doesn't know what is deployed. A deploy on it would make everything a second time. */
export interface LostState {
  readonly stack: string;
  /** What is there in its place. */
  readonly file: StateFile;
  /** What it can be restored from. */
  readonly newest?: { readonly backup: Backup; readonly state: ReadableState };
}

/**
 * The stacks whose state is damaged, or is empty, missing or older although a backup knows of resources. A stack that was never
 * deployed has no backup, so that it is none of them.
 * @throws Error when the store can't be read
 */
export async function findLostStates(
  store: StateStore,
  stacks: readonly string[],
): Promise<readonly LostState[]> {
  const found = await Promise.all(stacks.map((stack) => lostState(store, stack)));
  return found.flatMap((lost) => lost ?? []);
}

async function lostState(store: StateStore, stack: string): Promise<LostState | undefined> {
  const backups = await listBackups(store, stack);
  const { file } = await readSettled(
    store,
    stateName(stack),
    (candidate) => candidate.kind === "damaged" || (backups.length > 0 && isLost(candidate, backups)),
  );
  if (file.kind !== "damaged" && !isLost(file, backups)) return undefined;
  const newest = await newestUsable(store, stack);
  // Backups that can't be read are no proof that anything was there.
  return file.kind !== "damaged" && newest === undefined ? undefined : { stack, file, newest };
}

function isLost(file: StateFile, backups: readonly Backup[]): boolean {
  if (backups.length === 0) return false;
  if (file.kind !== "state") return true;
  return backups.some((backup) => sameLineage(backup, file.lineage) && backup.serial > file.serial);
}

/** What is wrong with a lost state and what to do, in words. */
export function explainLost(
  { stack, file, newest }: LostState,
  store: StateStore,
  npmRun: Workspace["npmRun"],
): string {
  const place = `${store.description}${store.description.endsWith("/") ? "" : ", "}${stateName(stack)}`;
  const problem =
    file.kind === "damaged"
      ? `state of ${stack} can't be read (${place}): ${file.problem}`
      : file.kind === "state"
        ? `state of ${stack} is older than its newest backup (${place}: ${describeFile(file)}), so that it doesn't know all that is deployed`
        : `state of ${stack} is ${describeFile(file)} (${place}), although it was deployed`;
  if (newest === undefined)
    return `${problem}\n    No backup of it can be read. docs/state.md#when-there-is-no-backup says what to do.`;
  const otherwise =
    file.kind === "damaged" || file.kind === "state"
      ? ""
      : `\n    If that is meant (all of it was destroyed, say), remove its backups: ${store.description}${store.description.endsWith("/") ? "" : ", "}backups/${stack}`;
  return [
    problem,
    `    Its newest backup: ${describeBackup(newest.backup, newest.state)}`,
    `    Restore it: ${npmRun("state", "restore", "--stack", stack)}${otherwise}`,
  ].join("\n");
}

/**
 * Stops a command that would plan on a lost state.
 * @throws Error that names each lost state, its newest backup and the command that restores it
 */
export async function refuseLostStates(
  store: StateStore,
  stacks: readonly string[],
  npmRun: Workspace["npmRun"],
): Promise<void> {
  const lost = await findLostStates(store, stacks);
  if (lost.length === 0) return;
  throw new Error(lost.map((one) => explainLost(one, store, npmRun)).join("\n\n"));
}
