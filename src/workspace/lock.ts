import {
  closeSync,
  constants,
  copyFileSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { npmRunIn, SANDBOX_FOLDER, sandboxAt } from "../place";
import { isAlive, ownIdentity, type ProcessIdentity } from "../processes";

/** The locks of this process; another one with its number may have left one behind (in containers numbers come again). */
const held = new Set<string>();

/** Who works in a workspace. */
interface Owner extends ProcessIdentity {
  readonly command: string;
}

/** How often a lock is renewed, for those on other machines and in other containers, who can't see its process. */
const RENEWAL_MS = 20_000;

/** A lock of another machine that was not renewed for so long is left behind. */
const LEFT_BEHIND_MS = 10 * 60_000;

/** Where a file system has no hard links, a lock is empty for a moment; one that stays so was left behind in that moment. */
const BEING_WRITTEN_MS = 2_000;

/**
 * Makes sure that one command at a time works in a workspace: two would overwrite each other's plans, so that one could apply
 * what the other has planned. A lock whose process is gone is taken over, whatever has its number now.
 * @returns gives the lock back; safe to call twice
 * @throws Error that names the command and the process at work, or why no lock can be made
 */
export function lockWorkspace(file: string, command: string): () => void {
  const own: Owner = { ...ownIdentity(), command };
  const text = JSON.stringify(own);
  for (;;) {
    if (create(file, text)) {
      held.add(file);
      const renewal = renewed(file, text);
      return () => {
        held.delete(file);
        clearInterval(renewal);
        if (readOr(file) === text) rmSync(file, { force: true });
      };
    }
    const found = readOr(file);
    if (found === undefined) continue;
    const owner = parseOwner(found);
    if (owner === undefined && age(file) < BEING_WRITTEN_MS) {
      pause(50);
      continue;
    }
    if (owner && isAtWork(file, owner)) throw new Error(explainOwner(file, owner));
    removeStale(file, found);
  }
}

/** Who works in a workspace at this moment, `npm run deploy (process 123)`; undefined when nobody does. */
export function commandAtWork(file: string): string | undefined {
  const owner = parseOwner(readOr(file) ?? "");
  return owner && isAtWork(file, owner) ? describeOwner(file, owner) : undefined;
}

/** Who has left a lock behind without giving it back, in the words of commandAtWork(); undefined when nobody has. */
export function lockLeftBehind(file: string): string | undefined {
  const text = readOr(file);
  if (text === undefined) return undefined;
  const owner = parseOwner(text);
  if (owner === undefined) return age(file) < BEING_WRITTEN_MS ? undefined : "A command";
  return isAtWork(file, owner) ? undefined : describeOwner(file, owner);
}

function isAtWork(file: string, owner: Owner): boolean {
  // Of this very process, the lock is one that it holds, or one of an earlier process of the same number.
  const { pid, host, started } = ownIdentity();
  const isOwn = owner.pid === pid && (owner.host ?? host) === host && (owner.started ?? started) === started;
  if (isOwn) return held.has(file);
  return isAlive(owner) ?? age(file) < LEFT_BEHIND_MS;
}

function describeOwner(file: string, { command, pid }: Owner): string {
  return `${commandLine(file, command)} (process ${pid})`;
}

/** The command as it was typed. The demo has a sandbox of its own, which it takes no option for. */
function commandLine(file: string, command: string): string {
  return command === "demo" ? "npm run demo" : npmRunIn(lockedDirectory(file), command);
}

/** The directory that a lock keeps others out of: a sandbox's lies beside it, since it is there before the sandbox is. */
function lockedDirectory(file: string): string {
  return file.replace(/\.lock$/, "");
}

function explainOwner(file: string, { command, pid, host }: Owner): string {
  const elsewhere = host !== undefined && host !== ownIdentity().host;
  const where = elsewhere ? `process ${pid} on ${host.split(" ")[0]}` : `process ${pid}`;
  const sandbox = sandboxAt(lockedDirectory(file));
  const shown = sandbox === undefined ? file : `${SANDBOX_FOLDER}/${sandbox}.lock`;
  return `\`${commandLine(file, command)}\` is at work here (${where}): wait until it has ended, or end it. If no such command runs, delete ${shown}`;
}

/** Returns whether the lock was made; not when there is one already. */
function create(file: string, text: string): boolean {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, text);
    // Unlike writing, linking fails when the lock is there already, and the lock has its content from the beginning.
    linkSync(draft, file);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (WITHOUT_LINKS.has(code)) return createWithoutLink(file, text);
    throw failure(file, error as NodeJS.ErrnoException);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** What FAT, exFAT and many network and FUSE file systems answer to a hard link. */
const WITHOUT_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"]);

function createWithoutLink(file: string, text: string): boolean {
  try {
    const descriptor = openSync(file, "wx", 0o644);
    try {
      writeFileSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw failure(file, error as NodeJS.ErrnoException);
  }
}

function failure(file: string, error: NodeJS.ErrnoException, what: "made" | "read" = "made"): Error {
  const reasons: Readonly<Record<string, string>> = {
    EACCES: "permission denied",
    EPERM: "not permitted",
    EROFS: "the file system is read-only",
    ENOSPC: "the disk is full",
    EDQUOT: "the quota of the disk is used up",
  };
  const reason = reasons[error.code ?? ""];
  if (reason === undefined) return error;
  return new Error(
    `The lock that keeps other commands out can't be ${what}: ${reason} (${file}). Make ${dirname(file)} writable for you, and room on its disk.`,
    { cause: error },
  );
}

/** Touches the lock from time to time. A lock that is no longer ours is left alone. */
function renewed(file: string, text: string): NodeJS.Timeout {
  const timer = setInterval(() => {
    if (readOr(file) !== text) return;
    try {
      const now = new Date();
      utimesSync(file, now, now);
    } catch {
      // Gone, or a disk with a fault: the next command reads the process from it all the same.
    }
  }, RENEWAL_MS);
  return timer.unref();
}

/** Another command may take the stale lock over at the same time: only the lock that was looked at goes. */
function removeStale(file: string, text: string): void {
  const aside = `${file}.stale-${process.pid}`;
  try {
    renameSync(file, aside);
    if (readOr(aside) !== text) copyFileSync(aside, file, constants.COPYFILE_EXCL);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["ENOENT", "EEXIST"].includes(code)) throw failure(file, error as NodeJS.ErrnoException);
  } finally {
    rmSync(aside, { force: true });
  }
}

function parseOwner(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Owner;
    return Number.isInteger(owner.pid) && owner.pid > 0 ? owner : undefined;
  } catch {
    return undefined;
  }
}

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw failure(file, error as NodeJS.ErrnoException, "read");
  }
}

/** Milliseconds since a file was last written or renewed; one that is gone is old. */
function age(file: string): number {
  try {
    return Date.now() - statSync(file).mtimeMs;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Waits without giving other work of this process a turn. */
function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
