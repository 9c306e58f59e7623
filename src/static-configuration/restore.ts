import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { shownPath } from "../place";
import { isRunning } from "../processes";
import { bytesToText, textToBytes } from "./byte-text";
import { type Journal, readJournal } from "./journal";
import { BACKUPS, backedUpFiles, backupOf, LOCK, onDisk, RECORD, RUN } from "./paths";
import { type ConfigurationRecord, readIfThere, readRecord, renderRecord } from "./record";
import { removeStrays } from "./strays";
import { replaceTokensInBytes, tokenFinder } from "./token-replacement";

export interface RestoreOptions {
  /** Brings back the original of a file that was edited or deleted since, too: these edits are lost. */
  readonly force?: boolean;
  /** Tells what would happen and changes nothing. */
  readonly dryRun?: boolean;
}

/** Paths relative to the project's folder, sorted. */
export interface RestoreResult {
  /** Brought back byte for byte (with `dryRun`: would be). */
  readonly restored: readonly string[];
  /** Edited or deleted since they were configured. Unless forced, one of them stops the whole restore. */
  readonly refused: readonly string[];
  /** Equal to their originals already. */
  readonly alreadyOriginal: readonly string[];
  /** In the record, but their originals are gone from flux/.backups; left as they are. */
  readonly withoutOriginal: readonly string[];
}

/**
 * Brings the originals in flux/.backups back, all or none: when a file was edited or deleted since it was configured and
 * `force` is not set, nothing is changed and `refused` lists every such file. What was restored leaves the backups and the
 * record, so that the next configuration starts anew. File modes are those of the files, not of the backups.
 *
 * @throws Error when a configuration is running, or a file can't be read or written (what was done until then stays, every
 * original is still in place, and running it again finishes the rest).
 */
export function restoreBackups(projectDirectory: string, options: RestoreOptions = {}): RestoreResult {
  const { force = false, dryRun = false } = options;
  // Also keeps a project without backups free of the lock's folder.
  if (!lstatSync(join(projectDirectory, BACKUPS), { throwIfNoEntry: false })?.isDirectory()) {
    return { restored: [], refused: [], alreadyOriginal: [], withoutOriginal: [] };
  }
  if (dryRun) return inspect(projectDirectory, force);
  return withLock(projectDirectory, () => {
    const result = inspect(projectDirectory, force);
    if (result.refused.length > 0) return result;
    for (const path of result.restored) putBack(projectDirectory, path);
    const done = [...result.restored, ...result.alreadyOriginal];
    // Files, then record, then originals: killed at any point, a second restore finds what it needs.
    forget(projectDirectory, done);
    removeStrays(projectDirectory, readJournal(projectDirectory));
    for (const path of done) rmSync(onDisk(projectDirectory, backupOf(path)), { force: true });
    rmSync(join(projectDirectory, RUN), { recursive: true, force: true });
    removeEmptyFolders(projectDirectory, BACKUPS);
    return result;
  });
}

/** What to tell the user when a restore was refused. */
export function explainRefusal(
  refused: readonly string[],
  shown: (path: string) => string = (path) => path,
  force = "npm run restore -- --force",
): string {
  return [
    `${refused.length} ${refused.length === 1 ? "file was" : "files were"} edited or deleted after the static configuration, so nothing was restored:`,
    ...refused.map((path) => `  ${shown(path)}   (original: ${shown(backupOf(path))})`),
    `To give these edits up and bring every original back: ${force}`,
  ].join("\n");
}

function inspect(projectDirectory: string, force: boolean): RestoreResult {
  const record = readRecord(projectDirectory);
  const journal = readJournal(projectDirectory);
  const restored: string[] = [];
  const refused: string[] = [];
  const alreadyOriginal: string[] = [];
  const paths = backedUpFiles(projectDirectory);
  for (const path of paths) {
    // Its file is unchanged, and the copy may be cut off: it must never be taken for the original.
    if (journal.unfinishedBackups.has(path)) {
      alreadyOriginal.push(path);
      continue;
    }
    const original = readFileSync(onDisk(projectDirectory, backupOf(path)));
    const current = readRegularFile(onDisk(projectDirectory, path));
    if (current?.equals(original)) alreadyOriginal.push(path);
    else if (force || (current && isOurs(current, original, record, journal))) restored.push(path);
    else refused.push(path);
  }
  const withBackup = new Set(paths);
  const withoutOriginal = [...record.files.keys()].filter((path) => !withBackup.has(path));
  return { restored, refused, alreadyOriginal, withoutOriginal };
}

/**
 * Whether a file is nothing but its original with values in it. The record's checksum can't tell: a run that brings a new value
 * to a file that the user edited notes the checksum of the file with the edits.
 */
function isOurs(
  current: Buffer,
  original: Buffer,
  { values }: ConfigurationRecord,
  journal: Journal,
): boolean {
  const makes = (table: ReadonlyMap<string, string>) =>
    replaceTokensInBytes(
      original,
      [...table].map(([placeholder, value]) => ({ placeholder, value })),
    ).equals(current);
  // A placeholder that joined the table later is not looked for in a file that was configured before.
  const applied = [...values].filter(([placeholder]) => !tokenFinder([placeholder])(current));
  // A run that was killed changed the file and did not get to the record.
  const interrupted = [
    ...values,
    ...journal.table.map(({ placeholder, value }) => [placeholder, value] as const),
  ];
  return makes(values) || makes(new Map(applied)) || makes(new Map(interrupted));
}

function putBack(projectDirectory: string, path: string): void {
  const target = onDisk(projectDirectory, path);
  const backup = onDisk(projectDirectory, backupOf(path));
  const stat = lstatSync(target, { throwIfNoEntry: false }) ?? lstatSync(backup);
  // Beside the backups and not beside the file: Flux never looks here, and a rename within flux/ is one step.
  const temporary = join(projectDirectory, BACKUPS, `.restoring-${process.pid}`);
  try {
    mkdirSync(onDisk(projectDirectory, dirname(path)), { recursive: true });
    const descriptor = openSync(temporary, "w", 0o600);
    try {
      const bytes = readFileSync(backup);
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (!stat.isSymbolicLink()) chmodSync(temporary, stat.mode & 0o7777);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new Error(
      `${shownPath(projectDirectory, path)}: cannot be restored (${(error as Error).message}); the original is still in ${shownPath(projectDirectory, backupOf(path))}; free disk space or fix the permissions, then run restore again`,
      { cause: error },
    );
  }
}

function forget(projectDirectory: string, paths: readonly string[]): void {
  const { values, files } = readRecord(projectDirectory);
  const gone = new Set(paths);
  const left = new Map([...files].filter(([path]) => !gone.has(path)));
  const target = join(projectDirectory, RECORD);
  if (left.size === 0) {
    rmSync(target, { force: true });
    return;
  }
  const temporary = join(projectDirectory, BACKUPS, `.restoring-${process.pid}`);
  writeFileSync(temporary, textToBytes(renderRecord({ values, files: left })));
  renameSync(temporary, target);
}

function readRegularFile(path: Buffer): Buffer | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path) : undefined;
}

/** Removes what a killed restore left, and folders that are empty now. */
function removeEmptyFolders(projectDirectory: string, folder: string): void {
  for (const entry of readdirSync(onDisk(projectDirectory, folder), {
    withFileTypes: true,
    encoding: "buffer",
  })) {
    const name = bytesToText(entry.name);
    const path = onDisk(projectDirectory, `${folder}/${name}`);
    if (entry.isFile() && /^\.restoring-\d+$/.test(name)) rmSync(path);
    if (entry.isDirectory() && name !== ".lock") {
      removeEmptyFolders(projectDirectory, `${folder}/${name}`);
      if (readdirSync(path, { encoding: "buffer" }).length === 0) rmdirSync(path);
    }
  }
}

/** How long to wait for a lock that is not signed yet, or for the last sed of a run that was killed. */
const PATIENCE_MS = 2_000;

/** Takes configure.sh's lock; one whose owner and whose sed are gone is taken over. */
function withLock<Result>(projectDirectory: string, work: () => Result): Result {
  const lock = join(projectDirectory, LOCK);
  const patience = Date.now() + PATIENCE_MS;
  while (!makeFolder(lock)) {
    const processes = ["owner", "child"].map((name) => Number(readIfThere(join(lock, name))?.trim() || 0));
    const running = processes.find((pid) => pid > 0 && isRunning(pid));
    if ((running !== undefined || processes[0] === 0) && Date.now() < patience) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      continue;
    }
    if (running !== undefined) {
      throw new Error(
        `${shownPath(projectDirectory, LOCK)}: a static configuration is under way (process ${running}); wait for it, or remove that folder when no such process exists, then run restore again`,
      );
    }
    // Renamed first, so that of several that find it stale one only removes it.
    const stale = `${lock}.stale.${process.pid}`;
    try {
      renameSync(lock, stale);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    rmSync(stale, { recursive: true, force: true });
  }
  try {
    writeFileSync(join(lock, "owner"), `${process.pid}\n`);
    return work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
    if (readdirSync(join(projectDirectory, BACKUPS)).length === 0) rmdirSync(join(projectDirectory, BACKUPS));
  }
}

/** False when the folder is there already. */
function makeFolder(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
