import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isRunning } from "../processes";

/** Memory that looks like a folder: nothing in it ever reaches the disk (but for swap space, where that isn't encrypted). */
const MEMORY = "/dev/shm";
const PREFIX = "hybrid-gitops-edit-";

/**
 * Waits until the process that holds the other end of its input is gone, however it ended, and removes the folder. In a session of
 * its own: neither Ctrl-C nor a closed terminal reaches it.
 */
const WATCH = `trap '' HUP INT TERM; cat >/dev/null; until rm -rf -- "$1"; do sleep 1; done`;

/**
 * Runs something with a folder for plain text, its owner's alone (0700): in memory where the system has that, else beside the private keys.
 * It is gone afterwards. A process of its own removes it when this one is killed, and what is left of a machine that lost power
 * goes at the next start.
 * @param project the project's directory
 * @throws Error when the process that removes it can't be started: then there is no folder and no plain text
 */
export async function withPlainTextFolder<T>(
  project: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  sweepPlainText(project);
  const place = places(project).find(isUsable) as string;
  const folder = mkdtempSync(join(place, `${PREFIX}${process.pid}-`));
  let watcher: ChildProcess | undefined;
  try {
    watcher = await watch(folder);
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    watcher?.stdin?.end();
  }
}

/** Removes the folders of processes that are gone, in a project and in memory. Those of other users stay. */
export function sweepPlainText(project: string): void {
  for (const place of places(project)) {
    for (const name of namesIn(place)) {
      const owner = Number(/^hybrid-gitops-edit-(\d+)-/.exec(name)?.[1]);
      const folder = join(place, name);
      if (owner > 0 && !isRunning(owner) && isOwn(folder)) rmSync(folder, { recursive: true, force: true });
    }
  }
}

function places(project: string): string[] {
  const besideKeys = join(project, ".secrets");
  return process.platform === "linux" ? [MEMORY, besideKeys] : [besideKeys];
}

function isUsable(place: string): boolean {
  try {
    if (place !== MEMORY) mkdirSync(place, { recursive: true, mode: 0o700 });
    accessSync(place, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (place === MEMORY) return false;
    throw error;
  }
}

function watch(folder: string): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const watcher = spawn("/bin/sh", ["-c", WATCH, "sh", folder], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      env: { PATH: process.env.PATH },
    });
    watcher.stdin?.on("error", () => undefined);
    watcher.once("error", (error) =>
      reject(
        new Error(
          `nothing was decrypted: the process that removes the plain text can't be started (${error.message})`,
        ),
      ),
    );
    watcher.once("spawn", () => {
      // It ends by itself; this process doesn't wait for it.
      watcher.unref();
      resolve(watcher);
    });
  });
}

function namesIn(place: string): string[] {
  try {
    return readdirSync(place);
  } catch {
    return [];
  }
}

function isOwn(folder: string): boolean {
  try {
    const status = lstatSync(folder);
    return status.isDirectory() && status.uid === process.getuid?.();
  } catch {
    return false;
  }
}
