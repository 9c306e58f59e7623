import { listOf } from "../place";
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
import { describeForeign, type Foreign, ownedByAnother, type Surroundings } from "./foreign-states";
import { describeFile, type ReadableState, type StateFile } from "./state-file";
import { placeIn, type StateStore } from "./state-store";
import { deployedOn, lineagesOf, readStates } from "./stored-states";

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
  /** The stacks that are deployed on what it knew, when it is missing or empty: they show that it was there. */
  readonly dependents?: readonly string[];
}

/**
 * The stacks whose state is damaged, is empty or missing although a backup knows of resources or another stack is deployed on it, is
 * older than a backup, or belongs to another stack. A stack that was never deployed has no state and no backup, and nothing is deployed
 * on it, so that it is none of them; one that was destroyed has a state without resources.
 * @throws Error when the store can't be read
 */
export async function findLostStates(
  store: StateStore,
  stacks: readonly string[],
  project: Workspace["project"],
): Promise<readonly LostState[]> {
  const states = await readStates(store);
  const lineages = lineagesOf(states);
  const found = await Promise.all(
    stacks.map((stack) =>
      lostState(store, stack, { project, lineages, dependents: deployedOn(stack, states) }),
    ),
  );
  return found.flatMap((lost) => lost ?? []);
}

async function lostState(
  store: StateStore,
  stack: string,
  { dependents, ...surroundings }: Surroundings & { readonly dependents: readonly string[] },
): Promise<LostState | undefined> {
  const backups = await listBackups(store, stack);
  const traces = { backups, dependents };
  const { file } = await readSettled(
    store,
    stateName(stack),
    (candidate) => candidate.kind === "damaged" || isLost(candidate, traces),
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
  if (file.kind !== "damaged" && !isLost(file, traces)) return undefined;
  const newest = await newestUsable(store, stack, isOwn);
  if (file.kind === "damaged" || file.kind === "state") return { stack, file, newest };
  // Backups that can't be read are no proof that anything was there.
  if (newest === undefined && dependents.length === 0) return undefined;
  return { stack, file, newest, dependents };
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

function isLost(
  file: StateFile,
  { backups, dependents }: { readonly backups: readonly Backup[]; readonly dependents: readonly string[] },
): boolean {
  if (file.kind !== "state") return backups.length > 0 || dependents.length > 0;
  return backups.some((backup) => sameLineage(backup, file.lineage) && backup.serial > file.serial);
}

/**
 * What is wrong with a lost state and what to do, in words.
 * @param where.configured whether the configuration has the stack: a restoration knows no other; default: it has
 */
export function explainLost(
  lost: LostState,
  store: StateStore,
  { npmRun, configured = true }: Pick<Workspace, "npmRun"> & { readonly configured?: boolean },
): string {
  const { stack, foreign, newest } = lost;
  const place = placeIn(store, stateName(stack));
  const restoreIt = configured
    ? "Restore it"
    : 'The configuration has no such stack: put its environment (or "github") back. After that, restore it';
  if (foreign) return explainForeign({ ...lost, foreign }, { store, place, npmRun, restoreIt });
  return [
    `state of ${stack} ${problemOf(lost, place)}`,
    ...(newest
      ? [
          `Its newest backup: ${describeBackup(newest.backup, newest.state)}`,
          `${restoreIt}: ${npmRun("state", "restore", "--stack", stack)}`,
        ]
      : ["No backup of it can be read. docs/state.md#when-there-is-no-backup says what to do."]),
    ...whenMeant(lost, store),
  ].join("\n    ");
}

function problemOf({ file, dependents = [] }: LostState, place: string): string {
  if (file.kind === "damaged") return `can't be read (${place}): ${file.problem}`;
  if (file.kind === "state")
    return `is older than its newest backup (${place}: ${describeFile(file)}), so that it doesn't know all that is deployed`;
  const shown =
    dependents.length === 0
      ? "it was deployed"
      : `${listOf(dependents)} ${dependents.length === 1 ? "is" : "are"} deployed on it`;
  return `is ${describeFile(file)} (${place}), although ${shown}`;
}

/** The way out for somebody who has destroyed everything by other means: what still tells of it goes, too. */
function whenMeant({ stack, file, newest, dependents = [] }: LostState, store: StateStore): string[] {
  if (file.kind === "damaged" || file.kind === "state") return [];
  const told = dependents.flatMap((other) => [stateName(other), backupFolder(other)]);
  const what = [
    ...(newest ? [`its backups: ${placeIn(store, backupFolder(stack))}`] : []),
    ...(told.length > 0
      ? [
          `the states that are deployed on it and their backups: ${told.map((name) => placeIn(store, name)).join(", ")}`,
        ]
      : []),
  ];
  return what.length === 0
    ? []
    : [`If that is meant (all of it was destroyed, say), remove ${what.join("; and ")}`];
}

function explainForeign(
  { stack, file, foreign, backedUpItself, newest }: LostState & { readonly foreign: Foreign },
  {
    store,
    place,
    npmRun,
    restoreIt,
  }: {
    readonly store: StateStore;
    readonly place: string;
    readonly npmRun: Workspace["npmRun"];
    readonly restoreIt: string;
  },
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
    `    ${restoreIt}: ${restore}`,
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
    lost.map((one) => explainLost(one, store, { npmRun })).join("\n\n"),
  );
}
