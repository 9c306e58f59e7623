import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning } from "../processes";

/** Every folder's name begins so; the number of its process follows, then its purpose. */
const NAME = /^hybrid-gitops-(\d+)-/;

/** Folders in use at this moment. */
const folders = new Set<string>();

const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });
const removeAll = (): void => folders.forEach(remove);

/**
 * Runs something with a folder of its owner's alone, which is gone afterwards, also when the process ends meanwhile. What a process
 * left behind that was killed (a kubeconfig) goes with the next one that needs such a folder.
 * @param purpose part of its name, such as `state`
 * @param work gets its absolute path
 */
export async function withTemporaryFolder<T>(
  purpose: string,
  work: (folder: string) => Promise<T> | T,
): Promise<T> {
  if (folders.size === 0) {
    sweep();
    // One listener for all: Node warns of many.
    process.on("exit", removeAll);
  }
  const folder = mkdtempSync(join(tmpdir(), `hybrid-gitops-${process.pid}-${purpose}-`));
  folders.add(folder);
  try {
    return await work(folder);
  } finally {
    remove(folder);
    folders.delete(folder);
    if (folders.size === 0) process.off("exit", removeAll);
  }
}

/** Removes the folders of processes that are gone. Those of other users can't be removed, and are theirs. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = NAME.exec(name) ?? [];
    if (pid === undefined || Number(pid) === process.pid || isRunning(Number(pid))) continue;
    try {
      remove(join(tmpdir(), name));
    } catch {
      // Somebody else's, or being removed at this moment.
    }
  }
}
