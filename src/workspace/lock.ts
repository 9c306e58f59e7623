import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isRunning } from "../static-configuration";

/** The locks of this process; another one with its number may have left one behind (in containers numbers come again). */
const held = new Set<string>();

/** Who works in a workspace. */
interface Owner {
  readonly pid: number;
  readonly command: string;
}

/**
 * Makes sure that one command at a time works in a workspace: two would overwrite each other's plans, so that one could apply
 * what the other has planned. A lock whose process is gone is taken over.
 * @returns gives the lock back; safe to call twice
 * @throws Error that names the command and the process at work
 */
export function lockWorkspace(file: string, command: string): () => void {
  const own: Owner = { pid: process.pid, command };
  const draft = `${file}.${process.pid}`;
  for (;;) {
    writeFileSync(draft, JSON.stringify(own));
    try {
      // Unlike writing, linking fails when the lock is there already.
      linkSync(draft, file);
      held.add(file);
      return () => {
        held.delete(file);
        if (readOwner(file)?.pid === process.pid) rmSync(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const owner = readOwner(file);
      if (owner && (owner.pid === process.pid ? held.has(file) : isRunning(owner.pid))) {
        throw new Error(
          `\`npm run ${owner.command}\` is at work here (process ${owner.pid}): wait until it has ended, or end it. If no such command runs, delete ${file}`,
        );
      }
      removeStale(file, owner);
    } finally {
      rmSync(draft, { force: true });
    }
  }
}

/** Who works in a workspace at this moment, `npm run deploy (process 123)`; undefined when nobody does. */
export function commandAtWork(file: string): string | undefined {
  const owner = readOwner(file);
  return owner && isRunning(owner.pid) ? `npm run ${owner.command} (process ${owner.pid})` : undefined;
}

/** Another command may take the stale lock over at the same time: only the lock that was looked at goes. */
function removeStale(file: string, owner: Owner | undefined): void {
  const aside = `${file}.stale-${process.pid}`;
  try {
    renameSync(file, aside);
    if (readOwner(aside)?.pid !== owner?.pid) linkSync(aside, file);
  } catch (error) {
    if (!["ENOENT", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function readOwner(file: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(file, "utf8")) as Owner;
    return Number.isInteger(owner.pid) && owner.pid > 0 ? owner : undefined;
  } catch {
    return undefined;
  }
}
