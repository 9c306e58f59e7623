import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { isRunning } from "../../src/processes";

const UNFINISHED = /\.unfinished-(\d+)$/;

/**
 * Makes a folder that is either there as a whole or not at all: built beside, then moved into place. Of two runs that do
 * it at once the first one's stays.
 * @throws whatever `build` throws, with nothing left behind
 */
export async function place(target: string, build: (folder: string) => Promise<void>): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true });
  await removeUnfinished(path.dirname(target));
  const fresh = `${target}.unfinished-${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh);
  try {
    await build(fresh);
    await rename(fresh, target);
  } catch (error) {
    if (!existsSync(target) || !isTaken(error)) throw error;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

const isTaken = (error: unknown): boolean =>
  ["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "");

/** What runs that were killed have left. */
async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number(UNFINISHED.exec(name)?.[1] ?? process.pid);
    if (!isRunning(pid)) await rm(path.join(folder, name), { recursive: true, force: true });
  }
}
