import type { Workspace } from "../workspace";
import {
  type Backup,
  backupFolder,
  describeBackup,
  listBackups,
  newestUsable,
  readSettled,
  sameLineage,
  stateName,
} from "./backups";
import {
  describeForeign,
  type Foreign,
  ownedByAnother,
  readLineages,
  type Surroundings,
} from "./foreign-states";
import { describeFile, type ReadableState, type StateFile } from "./state-file";
import { placeIn, type StateStore } from "./state-store";

/**
 * A state that doesn't know what is deployed, or knows what another stack has deployed. A deploy on it would make everything a second
 * time, and destroying it could destroy what belongs to another environment.
 */
export interface LostState {
  readonly stack: string;
  /** What is there in its place. */
  readonly file: StateFile;
  /** Why it is not that of the stack, when it can be read and isn't. */
  readonly foreign?: Foreign;
  /** Whether some of the stack's backups are of the lineage of its foreign state: it, or a copy of it, was in use under this name. */
  readonly backedUpItself?: boolean;
  /** What it can be restored from; never what belongs to another stack. */
  readonly newest?: { readonly backup: Backup; readonly state: ReadableState };
}

/**
 * The stacks whose state is damaged, is empty, missing or older although a backup knows of resources, or belongs to another stack. A
 * stack that was never deployed has no state and no backup, so that it is none of them.
 * @throws Error when the store can't be read
 */
export async function findLostStates(
  store: StateStore,
  stacks: readonly string[],
  project: Workspace["project"],
): Promise<readonly LostState[]> {
  const lineages = await readLineages(store);
  const found = await Promise.all(stacks.map((stack) => lostState(store, stack, { project, lineages })));
  return found.flatMap((lost) => lost ?? []);
}

async function lostState(
  store: StateStore,
  stack: string,
  surroundings: Surroundings,
): Promise<LostState | undefined> {
  const backups = await listBackups(store, stack);
  const { file } = await readSettled(
    store,
    stateName(stack),
    (candidate) => candidate.kind === "damaged" || (backups.length > 0 && isLost(candidate, backups)),
  );
  const isOwn = async (state: ReadableState): Promise<boolean> =>
    (await ownedByAnother(store, stack, { state, backups }, surroundings)) === undefined;
  if (file.kind === "state") {
    const foreign = await foreignState(store, stack, { file, backups }, surroundings);
    if (foreign) {
      const newest = await newestUsable(
        store,
        stack,
        async (state) => state.lineage !== file.lineage && (await isOwn(state)),
      );
      const backedUpItself = backups.some((backup) => sameLineage(backup, file.lineage));
      return { stack, file, foreign, backedUpItself, newest };
    }
  }
  if (file.kind !== "damaged" && !isLost(file, backups)) return undefined;
  const newest = await newestUsable(store, stack, isOwn);
  // Backups that can't be read are no proof that anything was there.
  return file.kind !== "damaged" && newest === undefined ? undefined : { stack, file, newest };
}

async function foreignState(
  store: StateStore,
  stack: string,
  { file, backups }: { readonly file: ReadableState; readonly backups: readonly Backup[] },
  surroundings: Surroundings,
): Promise<Foreign | undefined> {
  const { lineage } = file;
  const other = await ownedByAnother(store, stack, { state: file, backups }, surroundings);
  if (other) return other;
  if (backups.length === 0 || backups.some((backup) => sameLineage(backup, lineage))) return undefined;
  const newest = await newestUsable(store, stack);
  return newest && { because: "backups", lineage, backedUp: newest.state.lineage };
}

function isLost(file: StateFile, backups: readonly Backup[]): boolean {
  if (backups.length === 0) return false;
  if (file.kind !== "state") return true;
  return backups.some((backup) => sameLineage(backup, file.lineage) && backup.serial > file.serial);
}

/** What is wrong with a lost state and what to do, in words. */
export function explainLost(
  { stack, file, foreign, backedUpItself, newest }: LostState,
  store: StateStore,
  npmRun: Workspace["npmRun"],
): string {
  const place = placeIn(store, stateName(stack));
  if (foreign)
    return explainForeign({ stack, file, foreign, backedUpItself, newest }, { store, place, npmRun });
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
      : `\n    If that is meant (all of it was destroyed, say), remove its backups: ${placeIn(store, backupFolder(stack))}`;
  return [
    problem,
    `    Its newest backup: ${describeBackup(newest.backup, newest.state)}`,
    `    Restore it: ${npmRun("state", "restore", "--stack", stack)}${otherwise}`,
  ].join("\n");
}

function explainForeign(
  { stack, file, foreign, backedUpItself, newest }: LostState & { readonly foreign: Foreign },
  {
    store,
    place,
    npmRun,
  }: { readonly store: StateStore; readonly place: string; readonly npmRun: Workspace["npmRun"] },
): string {
  const problem = `state of ${stack} ${describeForeign(foreign, place, "state")}`;
  if (newest === undefined && backedUpItself)
    return `${problem}\n    ${stack} has backups of this lineage, and none of another one, so that either may be the copy. Change nothing: docs/state.md#two-stacks-with-one-state says how to find out.`;
  if (newest === undefined)
    return `${problem}\n    No backup of its own can be read. When ${stack} was never deployed, put that file aside; otherwise docs/state.md#when-there-is-no-backup says what to do.`;
  const restore = npmRun("state", "restore", "--stack", stack, "--backup", newest.backup.name, "--force");
  const right =
    file.kind === "state" && file.resources.length > 0
      ? npmRun("state", "backup")
      : `remove the backups of the earlier one: ${placeIn(store, backupFolder(stack))}`;
  return [
    problem,
    `    Its newest backup: ${describeBackup(newest.backup, newest.state)}`,
    `    Restore it: ${restore}`,
    ...(foreign.because === "backups" ? [`    When the state is right: ${right}`] : []),
  ].join("\n");
}

/** States on which nothing can be planned; its message names each of them, its newest backup and the command that restores it. */
export class LostStates extends Error {
  constructor(
    readonly stacks: readonly string[],
    message: string,
  ) {
    super(message);
  }
}

/**
 * Stops a command that would plan on a lost state or on that of another stack.
 * @throws LostStates
 */
export async function refuseLostStates(
  store: StateStore,
  stacks: readonly string[],
  { project, npmRun }: Pick<Workspace, "project" | "npmRun">,
): Promise<void> {
  const lost = await findLostStates(store, stacks, project);
  if (lost.length === 0) return;
  throw new LostStates(
    lost.map(({ stack }) => stack),
    lost.map((one) => explainLost(one, store, npmRun)).join("\n\n"),
  );
}
