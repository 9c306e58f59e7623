import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bytesToText, textToBytes } from "./byte-text";

/** The folder that the static configuration works on, relative to the project's folder. */
export const TREE = "flux";
/** Originals and record. */
export const BACKUPS = `${TREE}/.backups`;
/** See record.ts. */
export const RECORD = `${BACKUPS}/configured.txt`;
/** New files of a run that is under way, each until it takes its place; what an ended run left here has no use. */
export const RUN = `${BACKUPS}/.run`;
/** Held while a run works. */
export const LOCK = `${BACKUPS}/.lock`;

const YAML = /\.ya?ml$/;
const ORIGINAL = ".orig";
/** In a text that holds bytes as well (byte-text.ts), and in emoji. */
const SURROGATE = /[\ud800-\uffff]/;

/** Where the original of a file is kept. Never *.yaml: Flux would load it. */
export function backupOf(path: string): string {
  return `${BACKUPS}/${path.slice(TREE.length + 1)}${ORIGINAL}`;
}

/** The YAML files under flux/, relative to the project's folder, sorted; symbolic links are not followed. */
export function yamlFiles(projectDirectory: string): string[] {
  return walk(projectDirectory, TREE, (path) => path === BACKUPS)
    .filter((path) => YAML.test(path))
    .sort(compareBytes);
}

/** All other files under flux/, which no run changes, in the same order. */
export function otherFiles(projectDirectory: string): string[] {
  return walk(projectDirectory, TREE, (path) => path === BACKUPS)
    .filter((path) => !YAML.test(path))
    .sort(compareBytes);
}

/** The files that have an original in flux/.backups, sorted. */
export function backedUpFiles(projectDirectory: string): string[] {
  return walk(projectDirectory, BACKUPS, (path) => path === RUN || path.startsWith(LOCK))
    .filter((path) => path.endsWith(ORIGINAL))
    .map((path) => `${TREE}/${path.slice(BACKUPS.length + 1, -ORIGINAL.length)}`)
    .sort(compareBytes);
}

/** The order of `sort` in the C locale, the same on every machine. */
export function compareBytes(a: string, b: string): number {
  // Below the surrogates the order of code units is that of the bytes.
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(textToBytes(a), textToBytes(b));
  return a < b ? -1 : Number(a > b);
}

/** What the functions of node:fs take for a path in the project, whatever bytes its name has. */
export function onDisk(projectDirectory: string, path: string): Buffer | string {
  const file = join(projectDirectory, path);
  return SURROGATE.test(file) ? textToBytes(file) : file;
}

/** The bytes of a regular file; undefined for anything else, and for what is missing. */
export function bytesIfThere(projectDirectory: string, path: string): Buffer | undefined {
  const file = onDisk(projectDirectory, path);
  return lstatSync(file, { throwIfNoEntry: false })?.isFile() ? readFileSync(file) : undefined;
}

/** Whether a path is a symbolic link. */
export function isLink(projectDirectory: string, path: string): boolean {
  return lstatSync(onDisk(projectDirectory, path), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function walk(root: string, folder: string, skip: (path: string) => boolean): string[] {
  const files: string[] = [];
  const folders = [folder];
  for (let current = folders.pop(); current !== undefined; current = folders.pop()) {
    for (const entry of entriesOf(onDisk(root, current))) {
      const path = `${current}/${bytesToText(entry.name)}`;
      if (entry.isDirectory() && !skip(path)) folders.push(path);
      else if (entry.isFile()) files.push(path);
    }
  }
  return files;
}

function entriesOf(folder: Buffer | string) {
  try {
    return readdirSync(folder, { withFileTypes: true, encoding: "buffer" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw new Error(
      `${folder}: cannot be read (${code}), nothing was changed; fix its permissions, then run again`,
      {
        cause: error,
      },
    );
  }
}
