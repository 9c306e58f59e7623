import { randomBytes } from "node:crypto";
import type { Dirent } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { StateStore } from "./state-store";

/** States hold ids, addresses and credentials of clusters: they are their owner's alone. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** Files that are being written; a crash may leave one behind. */
const DRAFT = /^\..*\.draft-[0-9a-f]+$/;

/** The states of a project in a folder of the workspace. */
export class LocalStore implements StateStore {
  /**
   * @param folder absolute path; made on first use
   * @param description what people know it as, such as `state/`
   */
  constructor(
    readonly folder: string,
    readonly description = "state/",
  ) {}

  get workspace(): string {
    return dirname(this.folder);
  }

  async read(name: string): Promise<Buffer | undefined> {
    try {
      return await readFile(this.path(name));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw this.failure(name, "can't be read", error);
    }
  }

  async write(name: string, content: Buffer): Promise<void> {
    const file = this.path(name);
    const draft = join(dirname(file), `.${basename(file)}.draft-${randomBytes(6).toString("hex")}`);
    try {
      await mkdir(dirname(file), { recursive: true, mode: FOLDER_MODE });
      await writeThrough(draft, content);
      await rename(draft, file);
      await syncFolder(dirname(file));
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw this.failure(name, "can't be written", error);
    }
  }

  async remove(name: string): Promise<void> {
    try {
      await rm(this.path(name), { force: true });
    } catch (error) {
      throw this.failure(name, "can't be removed", error);
    }
  }

  list(folder: string): Promise<readonly string[]> {
    return this.names(folder, (entry) => !entry.isDirectory() && !DRAFT.test(entry.name));
  }

  listFolders(folder: string): Promise<readonly string[]> {
    return this.names(folder, (entry) => entry.isDirectory());
  }

  private async names(folder: string, isWanted: (entry: Dirent) => boolean): Promise<readonly string[]> {
    try {
      const entries = await readdir(this.path(folder), { withFileTypes: true });
      return entries
        .filter(isWanted)
        .map(({ name }) => name)
        .sort();
    } catch (error) {
      if (isAbsent(error)) return [];
      throw this.failure(folder, "can't be listed", error);
    }
  }

  private path(name: string): string {
    if (name.split("/").includes("..")) throw new Error(`${this.description}: "${name}" leads out of it`);
    return join(this.folder, ...name.split("/"));
  }

  private failure(name: string, what: string, error: unknown): Error {
    const { code, message } = error as NodeJS.ErrnoException;
    return new Error(
      `${this.description}${name} ${what}: ${REASONS[code ?? ""] ?? message} (${this.path(name)})`,
      {
        cause: error,
      },
    );
  }
}

/** What the system's error codes mean, with the way out. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; make room and run the command again",
  EDQUOT: "the quota of the disk is used up; make room and run the command again",
  EFBIG: "the file would be larger than the limit of this shell or file system allows (ulimit -f)",
  EROFS: "the file system is read-only",
  EACCES: "permission denied; the files belong to another user, or the folder is not writable",
  EPERM: "not permitted; the files belong to another user, or are protected",
  ENOTDIR: "a file stands where a folder is needed",
  EISDIR: "a folder stands where the file should be",
};

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

/** On the disk before it returns: a rename of a file that is still in memory would survive a power cut without its content. */
async function writeThrough(file: string, content: Buffer): Promise<void> {
  const handle = await open(file, "wx", FILE_MODE);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a rename last through a power cut. Some file systems can't do that for folders: the rename is made all the same. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // See above.
  }
}
