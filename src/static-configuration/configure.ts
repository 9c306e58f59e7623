import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { sandboxAt } from "../place";
import { explainMissing } from "./evidence";
import { withLock } from "./lock";
import { BACKUPS, backupOf, bytesIfThere, isLink, onDisk, RECORD, RUN, TREE } from "./paths";
import { type Change, type Plan, planConfiguration } from "./plan";
import { type ConfigurationRecord, recordBytes } from "./record";
import { runSed } from "./sed";
import { renderReplacements, type TokenReplacement } from "./token-replacement";

const LOCK_SECONDS = 60;

/**
 * Replaces the placeholders, and names that have changed, in the YAML files under flux/ by the project's values. The plan says what; sed
 * does it; each file is compared with the plan and takes its place in one step, after its original is kept. A run may be ended at
 * any point: each file is as it was or as it is to be, and the next run does the rest.
 *
 * @param report gets a line for each changed file, each place that only a person can judge, and a summary
 * @throws Error with the file, the reason and the fix
 */
export function configure(
  projectDirectory: string,
  replacements: readonly TokenReplacement[],
  report: (line: string) => void = () => undefined,
  lockSeconds = LOCK_SECONDS,
): void {
  // The checks of the table are there.
  renderReplacements(replacements);
  refuseUnsafeFolders(projectDirectory);
  withFix(BACKUPS, "cannot be created", TREE, () =>
    mkdirSync(join(projectDirectory, BACKUPS), { recursive: true }),
  );
  withLock(projectDirectory, lockSeconds, () => {
    // What a run that was ended has left is in no file's place.
    rmSync(join(projectDirectory, RUN), { recursive: true, force: true });
    const plan = planConfiguration(projectDirectory, replacements);
    try {
      carryOut(projectDirectory, plan);
    } finally {
      rmSync(join(projectDirectory, RUN), { recursive: true, force: true });
    }
    for (const { path } of plan.changes) report(`${path} configured`);
    for (const note of [...plan.notes, ...explainMissing(projectDirectory, plan.missingOriginals)])
      report(note);
    report(
      `static configuration: ${summary(plan.changes.length, sandboxAt(projectDirectory) === undefined)}`,
    );
  });
}

/** @param committed whether Git keeps the files: it ignores those of a sandbox */
function summary(count: number, committed: boolean): string {
  const commit = committed ? ", commit both" : "";
  if (count === 0) return "nothing left to replace";
  return count === 1
    ? `1 file configured; its original is in ${BACKUPS}${commit}`
    : `${count} files configured; their originals are in ${BACKUPS}${commit}`;
}

function carryOut(projectDirectory: string, { changes, begun, done }: Plan): void {
  refuseUnsafeFiles(projectDirectory, changes);
  const isFirst = !existsSync(join(projectDirectory, RECORD));
  if (changes.length === 0 && isFirst && done.files.size === 0) return;
  withFix(RUN, "cannot be created", BACKUPS, () => mkdirSync(join(projectDirectory, RUN)));
  letSedWork(projectDirectory, changes);
  if (changes.length > 0) writeRecord(projectDirectory, begun);
  const folders = new Set<string>();
  for (const change of changes) {
    if (change.isFirst) keepOriginal(projectDirectory, change, folders);
    replaceFile(projectDirectory, change);
  }
  writeRecord(projectDirectory, done);
}

/**
 * Lets sed do what the plan says, one for all files with the same replacements, and compares what it did with the plan.
 */
function letSedWork(projectDirectory: string, changes: readonly Change[]): void {
  const groups = new Map<string, Change[]>();
  const keys = new Map<Change["replacements"], string>();
  for (const change of changes) {
    const { replacements } = change;
    // Nearly all files have the same table.
    const key = keys.get(replacements) ?? JSON.stringify(replacements);
    keys.set(replacements, key);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(change);
  }
  for (const group of groups.values()) {
    const script = join(projectDirectory, RUN, "sed");
    const texts = withFix(RUN, "cannot be written", BACKUPS, () =>
      runSed(
        group[0]?.replacements ?? [],
        group.map(({ source }) => source),
        script,
      ),
    );
    for (const [position, { path, result }] of group.entries()) {
      if (texts[position]?.equals(result) !== true)
        throw new Error(
          `${path}: this machine's sed does not replace the names as it should, and nothing was changed; install another sed`,
        );
    }
  }
}

/** Keeps a file as its original: whole, and never in the place of another one. */
function keepOriginal(projectDirectory: string, { path, stat, live }: Change, folders: Set<string>): void {
  const backup = onDisk(projectDirectory, backupOf(path));
  const folder = dirname(backupOf(path));
  withFix(path, `its original cannot be kept in ${backupOf(path)}, the file is unchanged`, BACKUPS, () => {
    if (!folders.has(folder)) mkdirSync(onDisk(projectDirectory, folder), { recursive: true });
    folders.add(folder);
    const draft = join(projectDirectory, RUN, "original");
    write(draft, live, stat);
    if (lstatSync(backup, { throwIfNoEntry: false })) throw new Error("there is one already");
    renameSync(draft, backup);
  });
}

function replaceFile(projectDirectory: string, { path, stat, result }: Change): void {
  const file = onDisk(projectDirectory, path);
  withFix(path, "cannot be written, it is unchanged", "its folder", () => {
    const draft = join(projectDirectory, RUN, "changed");
    write(draft, result, stat);
    const { mtimeMs, ino } = lstatSync(file);
    if (mtimeMs !== stat.mtimeMs || ino !== stat.ino)
      throw new Error("it was edited while the static configuration was at work");
    renameSync(draft, file);
  });
}

function writeRecord(projectDirectory: string, record: ConfigurationRecord): void {
  const bytes = recordBytes(record);
  if (bytesIfThere(projectDirectory, RECORD)?.equals(bytes)) return;
  withFix(RECORD, "cannot be written", BACKUPS, () => {
    const draft = join(projectDirectory, RUN, "record");
    writeFileSync(draft, bytes);
    renameSync(draft, join(projectDirectory, RECORD));
  });
}

/** Writes a file with the mode, and if possible the owner, of another one. */
function write(draft: string, bytes: Buffer, { mode, uid, gid }: Stats): void {
  writeFileSync(draft, bytes, { mode: mode & 0o7777 });
  if (uid !== process.getuid?.() || gid !== process.getgid?.()) {
    try {
      chownSync(draft, uid, gid);
    } catch {
      // Only root may.
    }
  }
  // The umask has no say, nor does a change of the owner.
  chmodSync(draft, mode & 0o7777);
}

function refuseUnsafeFolders(projectDirectory: string): void {
  const tree = lstatSync(join(projectDirectory, TREE), { throwIfNoEntry: false });
  if (tree?.isSymbolicLink())
    throw new Error(
      `${TREE}: is a symbolic link; the static configuration changes files only inside the project`,
    );
  if (!tree?.isDirectory())
    throw new Error(`${TREE}: no such folder in ${projectDirectory}; run it in the project's folder`);
  if (isLink(projectDirectory, BACKUPS))
    throw new Error(`${BACKUPS}: is a symbolic link, so backups could end up elsewhere; remove it`);
}

/** Refuses what would end half way, before anything is changed. */
function refuseUnsafeFiles(projectDirectory: string, changes: readonly Change[]): void {
  const wanted = new Map(changes.filter(({ isFirst }) => isFirst).map(({ path }) => [backupOf(path), path]));
  for (const { path, isFirst } of changes) {
    if ((lstatSync(onDisk(projectDirectory, path)).mode & 0o200) === 0)
      throw new Error(
        `${path}: is read-only, nothing was changed; make it writable (chmod u+w) and run again`,
      );
    if (!isFirst) continue;
    const own = /^flux\/\.(run|lock)\//.exec(path)?.[1];
    if (own !== undefined)
      throw new Error(
        `${TREE}/.${own}: a folder of this name has no place for originals in ${BACKUPS}; rename it`,
      );
    for (let folder = dirname(backupOf(path)); folder.length > BACKUPS.length; folder = dirname(folder)) {
      if (isLink(projectDirectory, folder))
        throw new Error(`${folder}: is a symbolic link, so backups could end up elsewhere; remove it`);
      const other = wanted.get(folder);
      if (other !== undefined)
        throw new Error(
          `${other}.orig: is a folder, and the original of ${other} is to have its name in ${BACKUPS}; rename it`,
        );
    }
  }
}

/** Does something with files, and says what to do when it can't be done. */
function withFix<Result>(path: string, what: string, folder: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined)
      throw error instanceof Error && message.startsWith("sed ")
        ? error
        : new Error(`${path}: ${what} (${message}); run again`);
    throw new Error(
      `${path}: ${what} (${code}); free disk space or make ${folder} writable, then run again`,
      { cause: error },
    );
  }
}
