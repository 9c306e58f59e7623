import { readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { PRODUCTION } from "../config";
import { environmentOf } from "../terraform";
import type { Workspace } from "../workspace";
import {
  type Backup,
  backupFolder,
  describeBackup,
  describeTime,
  listBackups,
  readBackup,
  readSettled,
  stateName,
} from "./backups";
import { describeForeign, ownedByAnother, readSurroundings, type Surroundings } from "./foreign-states";
import { LocalStore } from "./local-store";
import { explainLost, findLostStates, type LostState } from "./lost-states";
import { localStore } from "./open-store";
import { count, describeFile, type StateFile } from "./state-file";
import { describeLock, type StateLock, stateLock } from "./state-lock";
import { placeIn, type StateStore } from "./state-store";
import { knownStacks, readStates, statesInUse, storedStacks } from "./stored-states";

/** What there is of a stack's state. */
export interface StackState {
  readonly stack: string;
  /** Whether the configuration has the stack. */
  readonly configured: boolean;
  readonly state: StateFile["kind"];
  readonly serial?: number;
  readonly lineage?: string;
  readonly resources?: number;
  readonly lock?: StateLock;
  readonly backups: readonly Backup[];
  /** What is wrong and what to do, one text each. */
  readonly findings: readonly string[];
  /** What is worth knowing and no fault. */
  readonly notes: readonly string[];
}

/** What is known of the states of a project. */
export interface StateReport {
  readonly store: string;
  readonly stacks: readonly StackState[];
  /** What concerns no single stack. */
  readonly findings: readonly string[];
  readonly notes: readonly string[];
}

export type CheckContext = Pick<Workspace, "directory" | "project" | "npmRun" | "atWork" | "lockLeftBehind">;

/** A lock in a bucket that is older than this is told as a fault: no step of a deploy takes that long. */
const LONG_HELD_MS = 60 * 60 * 1000;

/**
 * Looks at every state of a project: those of the configured stacks and those that are found besides. Changes nothing.
 * @throws Error when the store can't be read at all
 */
export async function checkStates(
  workspace: CheckContext,
  store: StateStore,
  configured: readonly string[],
  now = new Date(),
): Promise<StateReport> {
  const stored = await storedStacks(store);
  const unconfigured = (await knownStacks(store)).filter((stack) => !configured.includes(stack));
  const lost = await findLostStates(store, [...configured, ...unconfigured], workspace.project);
  // Backups alone are told of where they show that a state is lost.
  const others = unconfigured.filter(
    (name) => stored.includes(name) || lost.some(({ stack }) => stack === name),
  );
  const surroundings = await readSurroundings(store, workspace.project);
  const context = { workspace, store, now, lost, surroundings };
  const stacks = await Promise.all([
    ...configured.map((stack) => checkStack(stack, true, context)),
    ...others.map((stack) => checkStack(stack, false, context)),
  ]);
  const { atWork, lockLeftBehind } = workspace;
  return {
    store: store.description,
    stacks,
    findings: [...permissionFindings(store), ...(await notMigrated(workspace))],
    notes: [
      ...(atWork ? [`${atWork} is at work here: what it is changing may look unfinished.`] : []),
      ...(lockLeftBehind
        ? [`${lockLeftBehind} left its lock behind and is gone: the next command takes it over.`]
        : []),
    ],
  };
}

interface StackContext {
  readonly workspace: CheckContext;
  readonly store: StateStore;
  readonly now: Date;
  readonly lost: readonly LostState[];
  readonly surroundings: Surroundings;
}

async function checkStack(stack: string, configured: boolean, context: StackContext): Promise<StackState> {
  const { workspace, store } = context;
  const lost = context.lost.find((one) => one.stack === stack);
  const [{ file }, backups, lock] = await Promise.all([
    readSettled(store, stateName(stack)),
    listBackups(store, stack),
    stateLock(store, stack),
  ]);
  const locked = lock ? lockRemark(stack, lock, context) : undefined;
  const findings = [
    ...(lost ? [explainLost(lost, store, { npmRun: workspace.npmRun, configured })] : []),
    ...(locked?.finding ? [locked.finding] : []),
    ...(await backupFindings(stack, backups, file, context)),
    ...(!configured && file.kind === "state" && file.resources.length > 0
      ? [
          `${stack}: the configuration has no such stack, and its state has ${count(file.resources.length, "resource")}, which nobody deploys or destroys any more. Put ${missingPart(stack, workspace.project)} back into the configuration${
            environmentOf({ name: stack }) === PRODUCTION
              ? ". To get rid of it, see docs/safety.md#giving-production-up"
              : ` and destroy it: ${workspace.npmRun("destroy", "--stack", stack)}`
          }`,
        ]
      : []),
  ];
  return {
    stack,
    configured,
    state: file.kind,
    ...("serial" in file && file.serial !== undefined ? { serial: file.serial } : {}),
    ...("lineage" in file && file.lineage !== undefined ? { lineage: file.lineage } : {}),
    ...(file.kind === "state" ? { resources: file.resources.length } : {}),
    ...(lock ? { lock } : {}),
    backups,
    findings,
    notes: locked?.note ? [locked.note] : [],
  };
}

/** What has to come back into a configuration for it to have a stack. */
function missingPart(stack: string, { environments }: Workspace["project"]): string {
  return environments.some(({ name }) => name === environmentOf({ name: stack }))
    ? '"github"'
    : "its environment";
}

function lockRemark(
  stack: string,
  lock: StateLock,
  { workspace, store, now }: StackContext,
): { finding?: string; note?: string } {
  const text = `${stack}: Terraform's lock is ${describeLock(lock)}`;
  if (store instanceof LocalStore)
    return lock.status === "left behind"
      ? { note: `${text}; that process is gone and the lock with it, so that nothing has to be done` }
      : { note: text };
  const old = lock.since !== undefined && now.getTime() - lock.since.getTime() > LONG_HELD_MS;
  if (!old || workspace.atWork) return { note: text };
  return {
    finding: `${text}. When nobody deploys, it was left behind by a crash: ${workspace.npmRun("state", "unlock", "--stack", stack, "--id", lock.id ?? "<id>")}`,
  };
}

async function backupFindings(
  stack: string,
  backups: readonly Backup[],
  file: StateFile,
  { workspace, store, lost, surroundings }: StackContext,
): Promise<string[]> {
  const read = await Promise.all(
    backups.map(async (backup) => ({ backup, content: await readBackup(store, stack, backup) })),
  );
  const place = placeIn(store, backupFolder(stack));
  const unusable = read
    .filter(({ content }) => content.kind !== "state")
    .map(
      ({ backup, content }) =>
        `${place}/${backup.name} is ${describeFile(content)}, so that nothing can be restored from it: remove it`,
    );
  // What belongs to another stack is told already.
  if (lost.some((one) => one.stack === stack)) return unusable;
  const judged = await Promise.all(
    read.map(async ({ backup, content }) => {
      const foreign =
        content.kind === "state"
          ? await ownedByAnother(store, stack, { state: content, backups }, surroundings)
          : undefined;
      return { backup, content, foreign };
    }),
  );
  const foreign = judged.flatMap(({ backup, foreign: owner }) =>
    owner
      ? [
          `${stack}: the backup ${backup.name} ${describeForeign(owner, `${place}/${backup.name}`, "backup")}: move it out of that folder`,
        ]
      : [],
  );
  const findings = [...unusable, ...foreign];
  const newest = judged.find((one) => one.foreign === undefined);
  if (file.kind !== "state" || newest?.content.kind !== "state") return findings;
  if (newest.content.lineage === file.lineage) return findings;
  return [
    ...findings,
    `${stack}: the state is not the one that was backed up (lineage ${file.lineage}, the newest backup has ${newest.content.lineage}): it was lost and recreated, or replaced. What the backup knows and the state doesn't is unmanaged. The backup: ${describeBackup(newest.backup, newest.content)}. To take it: ${workspace.npmRun("state", "restore", "--stack", stack, "--backup", newest.backup.name, "--force")}. When the state is right: ${workspace.npmRun("state", "backup")}`,
  ];
}

/** States hold what others on the machine must not read. */
function permissionFindings(store: StateStore): string[] {
  if (!(store instanceof LocalStore)) return [];
  const { folder } = store;
  const open = [folder, ...below(folder)].filter((path) => {
    try {
      return (statSync(path).mode & 0o077) !== 0;
    } catch {
      // Gone meanwhile, or never made.
      return false;
    }
  });
  if (open.length === 0) return [];
  const names = open.map((path) => relative(folder, path) || ".");
  const shown =
    names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
  return [
    `${store.description}: other users of this machine can get at ${shown}, and states hold credentials of clusters: chmod -R go-rwx ${relative(process.cwd(), folder) || folder}`,
  ];
}

function below(folder: string): string[] {
  try {
    return (readdirSync(folder, { recursive: true }) as string[]).map((path) => join(folder, path));
  } catch {
    return [];
  }
}

/** With a bucket in the configuration, terraform no longer looks at local states. */
async function notMigrated({ directory, project }: CheckContext): Promise<string[]> {
  if (project.state.backend === "local") return [];
  const local = localStore(directory);
  return [...statesInUse(await readStates(local))].map(
    ([stack, file]) =>
      `${placeIn(local, stateName(stack))} (${describeFile(file)}) is still here, and the configuration keeps the states in the bucket ${(project.state as { bucket: string }).bucket}: it was not migrated, and a deploy would make everything a second time. docs/state.md#a-bucket-for-a-team says how to migrate it.`,
  );
}

/** The backups of a stack in one line: `3 backups, the newest of 2026-11-21 18:30:00 UTC`. */
export function summarizeBackups(backups: readonly Backup[]): string {
  const [newest] = backups;
  return newest
    ? `${count(backups.length, "backup")}, the newest of ${describeTime(newest.takenAt)}`
    : "no backup yet";
}
