import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Folders in use at this moment. */
const folders = new Set<string>();

const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });
const removeAll = (): void => folders.forEach(remove);

/**
 * Runs something with a folder of its owner's alone, which is gone afterwards, also when the process ends meanwhile.
 * @param prefix the first part of its name, such as `hybrid-gitops-state-`
 * @param work gets its absolute path
 */
export async function withTemporaryFolder<T>(
  prefix: string,
  work: (folder: string) => Promise<T> | T,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  // One listener for all: Node warns of many.
  if (folders.size === 0) process.on("exit", removeAll);
  folders.add(folder);
  try {
    return await work(folder);
  } finally {
    remove(folder);
    folders.delete(folder);
    if (folders.size === 0) process.off("exit", removeAll);
  }
}
