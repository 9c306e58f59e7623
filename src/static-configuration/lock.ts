import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shownPath } from "../place";
import { isAlive, ownIdentity, type ProcessIdentity } from "../processes";
import { BACKUPS, LOCK, TREE } from "./paths";

const POLL_MS = 100;
/** A lock may be a moment old before its owner has signed it. */
const UNSIGNED_MS = 1_000;

/**
 * Does some work on flux/ while no other configuration or restore does. A lock whose process has ended is taken over. Every file is
 * changed in one step and every run ends at the same tree, so that the lock saves work and clear messages, and no file depends on it.
 * @param seconds how long to wait for another run
 * @throws Error when another one still works after that time
 */
export function withLock<Result>(projectDirectory: string, seconds: number, work: () => Result): Result {
  const backups = join(projectDirectory, BACKUPS);
  const lock = join(projectDirectory, LOCK);
  const begun = Date.now();
  let told = false;
  const name = shownPath(projectDirectory, LOCK);
  while (!withFix(name, () => makeFolder(lock, backups) && isSigned(lock))) {
    const waited = Date.now() - begun;
    const owner = ownerOf(lock);
    const ended = owner === undefined ? ageOf(lock) > UNSIGNED_MS : isAlive(owner) === false;
    if (ended) {
      takeAway(lock, owner);
      continue;
    }
    const who = `process ${owner?.pid ?? "unknown"}`;
    if (waited > seconds * 1_000) {
      throw new Error(
        `${name}: another run (${who}) has worked on ${TREE}/ for more than ${seconds} s; wait for it, or, when no such run exists, remove that folder and try again`,
      );
    }
    if (!told && waited > 2_000) console.log(`waiting for another static configuration to finish (${who})`);
    told ||= waited > 2_000;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
  try {
    return work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
    removeEmpty(backups);
  }
}

/** Removes a folder that nothing is in; another run may be about to use it, or may have removed it. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

function withFix<Result>(name: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw new Error(
      `${name}: cannot be created (${(error as NodeJS.ErrnoException).code}); free disk space or make ${BACKUPS} writable, then run again`,
      { cause: error },
    );
  }
}

/** False when the lock is there already. */
function makeFolder(lock: string, backups: string): boolean {
  for (;;) {
    try {
      mkdirSync(lock);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") return false;
      // Given back a moment ago, together with the empty folder of backups.
      if (code !== "ENOENT") throw error;
      mkdirSync(backups, { recursive: true });
    }
  }
}

/** Signs a folder that was made. False when another run took it for a stale one before, and has perhaps signed it. */
function isSigned(lock: string): boolean {
  try {
    writeFileSync(join(lock, "owner"), `${JSON.stringify(ownIdentity())}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" || code === "ENOENT") return false;
    rmSync(lock, { recursive: true, force: true });
    throw error;
  }
}

/** Milliseconds since the lock was made; 0 when it was given back meanwhile. */
function ageOf(lock: string): number {
  const made = statSync(lock, { throwIfNoEntry: false });
  return made ? Date.now() - made.mtimeMs : 0;
}

function ownerOf(lock: string): ProcessIdentity | undefined {
  try {
    const owner = JSON.parse(readFileSync(join(lock, "owner"), "utf8")) as ProcessIdentity | number;
    // Earlier versions wrote the number alone.
    return typeof owner === "number" ? { pid: owner } : owner;
  } catch {
    return undefined;
  }
}

/** Renamed first, so that of several that find it stale only one removes it; one that was taken over meanwhile goes back. */
function takeAway(lock: string, owner: ProcessIdentity | undefined): void {
  const stale = `${lock}.stale.${process.pid}`;
  try {
    renameSync(lock, stale);
    if (JSON.stringify(ownerOf(stale)) !== JSON.stringify(owner)) renameSync(stale, lock);
  } catch {
    // Somebody else was faster.
  }
  rmSync(stale, { recursive: true, force: true });
}
