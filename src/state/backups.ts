import { count, describeFile, parseState, type ReadableState, type StateFile } from "./state-file";
import { type StateStore, stateCheck } from "./state-store";

/** How many backups of a stack are kept. */
export const KEPT_BACKUPS = 10;

const FOLDER = "backups";
const ENDING = ".tfstate";
const LINEAGE_CHARACTERS = 8;

/** A backup by its name: `20261121T183000123Z-12-1f2e3d4c.tfstate` is that of serial 12 of the lineage that begins with 1f2e3d4c. */
export interface Backup {
  /** Its file name, without the folder; names sort by time. */
  readonly name: string;
  readonly takenAt: Date;
  readonly serial: number;
  /** The first 8 characters of the lineage. */
  readonly lineage: string;
}

/** What a backup run did. */
export type BackUpResult =
  | { readonly made: true; readonly backup: Backup; readonly notes: readonly string[] }
  | { readonly made: false; readonly because: "nothing deployed" | "unchanged since the newest backup" };

const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-(\d+)-([0-9a-z]{1,8})\.tfstate$/;

/** The name of a stack's state in a store. */
export function stateName(stack: string): string {
  return `${stack}${ENDING}`;
}

/** The name of a backup in a store. */
export function backupPath(stack: string, { name }: Pick<Backup, "name">): string {
  return `${backupFolder(stack)}/${name}`;
}

/** The folder of a stack's backups in a store; without a stack, the one that has those of all. */
export function backupFolder(stack?: string): string {
  return stack === undefined ? FOLDER : `${FOLDER}/${stack}`;
}

/** The backups of a stack, the newest first. Files of other names are nobody's business and stay. */
export async function listBackups(store: StateStore, stack: string): Promise<readonly Backup[]> {
  const names = await store.list(backupFolder(stack));
  return names
    .flatMap((name) => parseName(name) ?? [])
    .sort((a, b) => (a.name < b.name ? 1 : a.name > b.name ? -1 : 0));
}

function parseName(name: string): Backup | undefined {
  const [, year, month, day, hour, minute, second, ms, serial, lineage] = NAME.exec(name) ?? [];
  if (lineage === undefined) return undefined;
  const takenAt = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
  return Number.isNaN(takenAt.getTime()) ? undefined : { name, takenAt, serial: Number(serial), lineage };
}

/** The part of a lineage that stands in the names of backups. */
function shortLineage(lineage: string): string {
  return lineage
    .toLowerCase()
    .replaceAll(/[^0-9a-z]/g, "")
    .slice(0, LINEAGE_CHARACTERS)
    .padEnd(1, "0");
}

/** Whether a backup is of the same lineage as a state. */
export function sameLineage(backup: Pick<Backup, "lineage">, lineage: string): boolean {
  return backup.lineage === shortLineage(lineage);
}

export interface BackUpOptions {
  readonly now?: Date;
  /** The name of a backup that stays, however old it is: the one that is about to be restored. */
  readonly keep?: string;
}

/**
 * Keeps a copy of a stack's state, and of the copies the last 10. A state that holds nothing, or that the newest backup has already,
 * is not copied, so that quiet deploys don't push the useful backups out.
 * @returns what was done, with notes about old backups that could not be removed
 * @throws Error when there is a state and no copy of it can be made: then nothing may be changed that the state tracks
 */
export async function backUp(
  store: StateStore,
  stack: string,
  { now = new Date(), keep }: BackUpOptions = {},
): Promise<BackUpResult> {
  const { content, file } = await readSettled(store, stateName(stack));
  if (file.kind === "damaged")
    throw new Error(
      `The state of ${stack} (${store.description}) is ${describeFile(file)}, so that no backup of it can be made: \`${stateCheck(store)}\` says more.`,
    );
  if (content === undefined || file.kind !== "state" || file.resources.length === 0)
    return { made: false, because: "nothing deployed" };
  const [newest] = await listBackups(store, stack);
  if (newest?.serial === file.serial && sameLineage(newest, file.lineage)) {
    // A name is no proof: what it says has to be there, too.
    const copy = await readBackup(store, stack, newest);
    if (copy.kind === "state" && copy.serial === file.serial && copy.lineage === file.lineage)
      return { made: false, because: "unchanged since the newest backup" };
  }
  return { made: true, ...(await keepAsBackup(store, stack, { content, state: file, now, keep })) };
}

/**
 * Keeps a state as the newest backup of a stack, and removes those that are too old.
 * @throws Error when it can't be written
 */
export async function keepAsBackup(
  store: StateStore,
  stack: string,
  {
    content,
    state,
    now = new Date(),
    keep,
  }: { readonly content: Buffer; readonly state: ReadableState } & BackUpOptions,
): Promise<{ readonly backup: Backup; readonly notes: readonly string[] }> {
  const earlier = await listBackups(store, stack);
  const backup = named(state, earlier[0], now);
  try {
    await store.write(backupPath(stack, backup), content);
  } catch (error) {
    throw new Error(`No backup of the state of ${stack} can be made: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return { backup, notes: await prune(store, stack, [backup, ...earlier], keep) };
}

/** What is in a backup. */
export async function readBackup(
  store: StateStore,
  stack: string,
  backup: Pick<Backup, "name">,
): Promise<StateFile> {
  return parseState(await store.read(backupPath(stack, backup)));
}

/**
 * The newest backup that a stack can be restored from, with what is in it.
 * @param usable what is wanted of it; default: that it can be read
 */
export async function newestUsable(
  store: StateStore,
  stack: string,
  usable: (state: ReadableState) => boolean | Promise<boolean> = () => true,
): Promise<{ readonly backup: Backup; readonly state: ReadableState } | undefined> {
  for (const backup of await listBackups(store, stack)) {
    const state = await readBackup(store, stack, backup);
    if (state.kind === "state" && (await usable(state))) return { backup, state };
  }
  return undefined;
}

/** A backup in words: `20261121T…Z-12-1f2e3d4c.tfstate (2026-11-21 18:30:00 UTC, 9 resources, serial 12)`. */
export function describeBackup({ name, takenAt }: Backup, file: StateFile): string {
  return `${name} (${describeTime(takenAt)}, ${describeFile(file)})`;
}

/** A time as people read it, the same on every machine: `2026-11-21 18:30:00 UTC`. */
export function describeTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

const ATTEMPTS = 5;
const BETWEEN_ATTEMPTS_MS = 100;

/**
 * Reads a state that may be written at this moment: Terraform writes a local one in place, so that a reader can come in the middle of
 * it. One that looks wrong is read again for half a second.
 */
export async function readSettled(
  store: StateStore,
  name: string,
  looksWrong: (file: StateFile) => boolean = ({ kind }) => kind === "damaged",
): Promise<{ readonly content: Buffer | undefined; readonly file: StateFile }> {
  for (let attempt = 1; ; attempt++) {
    const content = await store.read(name);
    const file = parseState(content);
    if (!looksWrong(file) || attempt === ATTEMPTS) return { content, file };
    await new Promise((proceed) => setTimeout(proceed, BETWEEN_ATTEMPTS_MS));
  }
}

/** Names have to sort by age, although the clocks of a team's machines differ: a new one is never older than the newest. */
function named({ serial, lineage }: ReadableState, newest: Backup | undefined, now: Date): Backup {
  const takenAt = new Date(Math.max(now.getTime(), (newest?.takenAt.getTime() ?? 0) + 1));
  const short = shortLineage(lineage);
  const name = `${takenAt.toISOString().replaceAll(/[-:.]/g, "")}-${serial}-${short}${ENDING}`;
  return { name, takenAt, serial, lineage: short };
}

/**
 * Removes what is older than the last 10, but for the newest of every other lineage: when a state was lost and begun anew, the
 * backups of the new one must not push out the only one that knows the old resources.
 */
async function prune(
  store: StateStore,
  stack: string,
  backups: readonly Backup[],
  keep?: string,
): Promise<readonly string[]> {
  const newestOf = new Map<string, Backup>();
  for (const backup of backups) if (!newestOf.has(backup.lineage)) newestOf.set(backup.lineage, backup);
  const surplus = backups
    .slice(KEPT_BACKUPS)
    .filter((backup) => newestOf.get(backup.lineage) !== backup && backup.name !== keep);
  const failures: string[] = [];
  for (const backup of surplus) {
    try {
      await store.remove(backupPath(stack, backup));
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  return failures.length === 0
    ? []
    : [`${count(failures.length, "old backup")} of ${stack} can't be removed: ${failures[0]}`];
}
