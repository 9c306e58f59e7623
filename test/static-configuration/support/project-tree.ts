import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export type Files = Readonly<Record<string, string | Buffer>>;

const directories: string[] = [];

/** A project's folder with these files, in the temporary folder unless told; removed by {@link removeProjects}. */
export function makeProject(files: Files, parent = tmpdir()): string {
  const directory = mkdtempSync(join(parent, "static-configuration-"));
  directories.push(directory);
  mkdirSync(join(directory, "flux"));
  for (const [path, content] of Object.entries(files)) write(directory, path, content);
  return directory;
}

export function write(directory: string, path: string, content: string | Buffer, mode?: number): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), content);
  if (mode !== undefined) chmodSync(join(directory, path), mode);
}

export function read(directory: string, path: string): string {
  return readFileSync(join(directory, path), "latin1");
}

/** Every file and link below a folder of the project: path → bytes as latin1. */
export function snapshot(directory: string, folder = "flux"): Record<string, string> {
  const files: Record<string, string> = {};
  const visit = (path: string) => {
    const stat = lstatSync(join(directory, path), { throwIfNoEntry: false });
    if (stat?.isDirectory())
      for (const name of readdirSync(join(directory, path)).sort()) visit(`${path}/${name}`);
    else if (stat?.isSymbolicLink()) files[path] = `-> ${readlinkSync(join(directory, path))}`;
    else if (stat) files[path] = read(directory, path);
  };
  visit(folder);
  return files;
}

/** {@link snapshot}, and the record without the values of earlier runs: what a first run gives. */
export function snapshotAsFirst(directory: string): Record<string, string> {
  const files = snapshot(directory);
  const record = "flux/.backups/configured.txt";
  if (files[record] !== undefined) files[record] = files[record].replace(/^former\t.*\n/gm, "");
  return files;
}

/** The tree without what the static configuration keeps for itself. */
export function liveFiles(directory: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(snapshot(directory)).filter(([path]) => !path.startsWith("flux/.backups/")),
  );
}

export function removeProjects(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}
