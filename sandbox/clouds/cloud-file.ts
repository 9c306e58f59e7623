import { randomBytes } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { ProviderError } from "../protocol/diagnostics";
import { locateJsonError } from "./json-error";

/** A value that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

/** How long a change waits for another process that is changing the same file. */
const LOCK_PATIENCE_MS = 5000;
/** A lock this old was left behind by a process that died: a change takes milliseconds. */
const LOCK_STALE_MS = 2000;
const LOCK_POLL_MS = 5;

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] as Json)]),
  );
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";

/** What a file holds at its top level. */
export type Root = JsonObject | Json[];

/**
 * One JSON file of a cloud. It is read again whenever it changed on disk, so that an edit by hand is drift for the
 * next plan; it is replaced as a whole (written beside and renamed), so that no reader sees half a file; changes are
 * made under a lock file, so that no update of another process is lost.
 */
export class CloudFile<Content extends Root = JsonObject> {
  private cached: { stamp: string; content: Content } | undefined;

  /** @param empty what a file that isn't there stands for; an object or a list, and the file must hold the same. */
  constructor(
    readonly path: string,
    private readonly empty: Content,
  ) {}

  /** Whether the file is there. */
  exists(): boolean {
    return this.stamp() !== undefined;
  }

  /**
   * The content; what stands for an empty one when there is no file. Not to be changed: use {@link update}.
   *
   * @throws ProviderError naming file and line when the file isn't valid. It is left as it is.
   */
  read(): Content {
    const stamp = this.stamp();
    if (stamp === undefined) return this.empty;
    if (this.cached?.stamp === stamp) return this.cached.content;
    const content = parseCloud(this.path, readFileSync(this.path, "utf8"), this.empty);
    this.cached = { stamp, content };
    return content;
  }

  /**
   * Changes the content in place and writes the file when something changed. `change` runs at once, in one step with
   * reading and writing; when it throws, nothing is written.
   */
  update<T>(change: (content: Content) => T): T {
    return this.locked(() => {
      const before = this.read();
      const content = structuredClone(before);
      const result = change(content);
      const text = `${JSON.stringify(sorted(content), null, 2)}\n`;
      if (text !== `${JSON.stringify(sorted(before), null, 2)}\n` || !this.exists()) this.write(text);
      return result;
    });
  }

  /** Deletes the file. */
  delete(): void {
    rmSync(this.path, { force: true });
    this.cached = undefined;
  }

  private write(text: string): void {
    const temporary = `${this.path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    try {
      // Keys and sealed secrets are in it: for its owner only.
      writeFileSync(temporary, text, { mode: 0o600 });
      renameSync(temporary, this.path);
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  private stamp(): string | undefined {
    try {
      const { mtimeNs, size, ino } = statSync(this.path, { bigint: true });
      return `${mtimeNs}/${size}/${ino}`;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  private locked<T>(action: () => T): T {
    const lock = `${this.path}.lock`;
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    const deadline = Date.now() + LOCK_PATIENCE_MS;
    while (!takeLock(lock)) {
      removeStaleLock(lock);
      if (Date.now() > deadline) {
        throw new ProviderError(
          `The sandbox's file ${this.path} is locked`,
          `Another process holds ${lock}. If none runs, delete that file.`,
        );
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS);
    }
    try {
      return action();
    } finally {
      rmSync(lock, { force: true });
    }
  }
}

function takeLock(lock: string): boolean {
  try {
    const descriptor = openSync(lock, "wx", 0o600);
    writeSync(descriptor, `${process.pid}\n`);
    closeSync(descriptor);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function removeStaleLock(lock: string): void {
  try {
    if (Date.now() - statSync(lock).mtimeMs > LOCK_STALE_MS) rmSync(lock, { force: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Reads the text of a cloud's file; its top level must be of the same kind as `empty`. */
function parseCloud<Content extends Root>(path: string, source: string, empty: Content): Content {
  let content: unknown;
  try {
    content = JSON.parse(source);
  } catch {
    const { line, reason } = locateJsonError(source);
    throw new ProviderError(
      `The sandbox's file ${path} is not valid JSON: line ${line}: ${reason}`,
      "Correct that line, or delete the file to start with an empty one. Nothing was written.",
    );
  }
  const [noun, form] = Array.isArray(empty) ? ["list", "[ … ]"] : ["object", "{ … }"];
  if (typeof content !== "object" || content === null || Array.isArray(content) !== Array.isArray(empty)) {
    throw new ProviderError(
      `The sandbox's file ${path} holds no JSON ${noun}: line 1`,
      `Its top level must be ${form}. Correct it, or delete the file to start with an empty one. Nothing was written.`,
    );
  }
  return content as Content;
}

/** The object at `key`; created when it is missing. Throws when a hand edit left something else there. */
export function section(content: JsonObject, key: string, path: string): JsonObject {
  content[key] ??= {};
  return asObject(content[key], key, path);
}

/** The object at `key`, or an empty one, without changing anything. */
export function peek(content: JsonObject, key: string, path: string): JsonObject {
  return content[key] === undefined ? {} : asObject(content[key], key, path);
}

function asObject(value: Json, key: string, path: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new ProviderError(
    `The sandbox's file ${path}: "${key}" must be an object`,
    `Found ${Array.isArray(value) ? "a list" : JSON.stringify(value)}. Write "${key}": { … }.`,
  );
}

/** Takes out sections that became empty, so that the file shows only what there is. */
export function dropEmptySections(content: JsonObject): void {
  for (const [key, value] of Object.entries(content)) {
    const empty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
    if (empty && !Array.isArray(value)) delete content[key];
  }
}
