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
import { bytesToText } from "./byte-text";
import { knownRecord } from "./evidence";
import { withLock } from "./lock";
import { Names } from "./names";
import { BACKUPS, backedUpFiles, backupOf, bytesIfThere, onDisk, RECORD, RUN } from "./paths";
import { readRecord, recordBytes } from "./record";

const LOCK_SECONDS = 2;

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
 * record, so that the next configuration starts over. File modes are those of the files, not of the backups.
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
  return withLock(projectDirectory, LOCK_SECONDS, () => {
    const result = inspect(projectDirectory, force);
    if (result.refused.length > 0) return result;
    for (const path of result.restored) putBack(projectDirectory, path);
    const done = [...result.restored, ...result.alreadyOriginal];
    // Files, then record, then originals: killed at any point, a second restore finds what it needs.
    forget(projectDirectory, done);
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
  const record = knownRecord(projectDirectory, []);
  const names = new Names([], record);
  const restored: string[] = [];
  const refused: string[] = [];
  const alreadyOriginal: string[] = [];
  const paths = backedUpFiles(projectDirectory);
  for (const path of paths) {
    const original = readFileSync(onDisk(projectDirectory, backupOf(path)));
    const current = bytesIfThere(projectDirectory, path);
    if (current?.equals(original)) alreadyOriginal.push(path);
    else if (force || (current && names.isRendering(original.toString("latin1"), current.toString("latin1"))))
      restored.push(path);
    else refused.push(path);
  }
  const withBackup = new Set(paths);
  const withoutOriginal = [...record.files].filter((path) => !withBackup.has(path));
  return { restored, refused, alreadyOriginal, withoutOriginal };
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
  const record = readRecord(projectDirectory);
  const gone = new Set(paths);
  const left = new Set([...(record?.files ?? [])].filter((path) => !gone.has(path)));
  const target = join(projectDirectory, RECORD);
  if (record === undefined || left.size === 0) {
    rmSync(target, { force: true });
    return;
  }
  const temporary = join(projectDirectory, BACKUPS, `.restoring-${process.pid}`);
  writeFileSync(temporary, recordBytes({ ...record, files: left }));
  renameSync(temporary, target);
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
