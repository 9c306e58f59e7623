import { closeSync, lstatSync, openSync, readFileSync, readSync, type Stats } from "node:fs";
import { shownPath } from "../place";
import { bytesToText } from "./byte-text";
import { explainRecord, knownRecord } from "./evidence";
import { Names, type OldName } from "./names";
import { backedUpFiles, backupOf, bytesIfThere, compareBytes, onDisk, otherFiles, yamlFiles } from "./paths";
import { add, type ConfigurationRecord } from "./record";
import { ANY_NAME, captureNames } from "./rendering";
import {
  countTokens,
  replaceTokens,
  type TokenReplacement,
  tokenFinder,
  tokenPattern,
} from "./token-replacement";

/** One file that a run of the static configuration changes. */
export interface Change {
  /** Relative to the project's folder, with `/`. */
  readonly path: string;
  /** The file as it is now: a later one was written by somebody else. */
  readonly stat: Stats;
  /** What the file holds now. */
  readonly live: Buffer;
  /** What the names are replaced in: its original, or the file itself where that was edited. */
  readonly source: Buffer;
  /** As latin1, for the bytes. */
  readonly replacements: readonly TokenReplacement[];
  readonly result: Buffer;
  /** The file is kept as the original first. */
  readonly isFirst: boolean;
}

/** What a run of the static configuration does. */
export interface Plan {
  /** Sorted by path. */
  readonly changes: readonly Change[];
  /** Places that hold an old name and that only a person can judge, each with what to do. */
  readonly notes: readonly string[];
  /** Files that were configured and whose originals are missing or empty. */
  readonly missingOriginals: readonly string[];
  /** The record while the files are being changed: true wherever the run ends. */
  readonly begun: ConfigurationRecord;
  /** The record after them. */
  readonly done: ConfigurationRecord;
}

/** How a user says that a name stays: a comment anywhere in the file. Several names are divided by spaces. */
const KEEP_BEGIN = "static-configuration: keep";
const KEEP = new RegExp(`${KEEP_BEGIN}[ \\t]+([^\\r\\n]+)`, "g");
/** A host or an address: nobody writes it by chance. */
const HOST = /^[A-Za-z0-9][A-Za-z0-9._@-]*\.[A-Za-z]{2,}$/;
/** A word of its own, such as the name of a product, may have nothing to do with the project. */
const COMPOUND = /[^A-Za-z0-9]/;

/**
 * The files under flux/ that a run would work on: those with placeholders that are still to be replaced, and those that hold a name
 * which has changed, whether or not the record knows them. Empty after a good run, on every machine. Sorted, relative to the project's folder.
 *
 * @throws Error when the record can't be read or a file can't be opened.
 */
export function pendingFiles(projectDirectory: string, replacements: readonly TokenReplacement[]): string[] {
  return planConfiguration(projectDirectory, replacements).changes.map(({ path }) => path);
}

/**
 * Decides what is to be done, and changes nothing. `diff`, `status` and `deploy` ask it, and the run itself. The evidence is the record,
 * the originals and the tree: a file that is its original with any values in it is rendered again; in one that was edited, or
 * that has no original, the names that have changed are replaced as whole words.
 *
 * @throws Error when the record can't be read or a file can't be opened.
 */
export function planConfiguration(projectDirectory: string, replacements: readonly TokenReplacement[]): Plan {
  const record = knownRecord(projectDirectory, replacements);
  const planner = new Planner(projectDirectory, replacements, record);
  for (const path of yamlFiles(projectDirectory)) planner.look(path);
  if (planner.hasOldNames) for (const path of otherFiles(projectDirectory)) planner.lookAtOther(path);
  return planner.plan();
}

class Planner {
  private readonly names: Names;
  /** In lower case: a file system may not tell cases apart. */
  private readonly originals: ReadonlySet<string>;
  private readonly holdsName: (bytes: Buffer) => boolean;
  /** By lower case, what a run doesn't replace everywhere: in files of another kind, and hosts in other letters. */
  private readonly old: ReadonlyMap<string, OldName>;
  private readonly unchanged: RegExp | undefined;
  private readonly memory = Buffer.allocUnsafe(64 * 1024);
  private readonly changes: Change[] = [];
  private readonly notes: string[] = [];
  /** Files with originals, known to the record or not. */
  private readonly configured = new Set<string>();

  constructor(
    private readonly directory: string,
    private readonly replacements: readonly TokenReplacement[],
    private readonly record: ConfigurationRecord,
  ) {
    this.names = new Names(replacements, record);
    this.originals = new Set(backedUpFiles(directory).map((path) => path.toLowerCase()));
    this.holdsName = tokenFinder(
      [
        ...this.names.table.map(({ placeholder }) => placeholder),
        ...this.names.old.map(({ text }) => text),
      ].map((latin1) => bytesToText(Buffer.from(latin1, "latin1"))),
    );
    const current = this.names.current.map((text) => text.toLowerCase());
    this.old = new Map(
      this.names.old
        .filter(({ text }) => COMPOUND.test(text) && !this.names.placeholders.includes(text))
        .map((name) => [name.text.toLowerCase(), name] as const)
        .filter(([text]) => !current.includes(text)),
    );
    // A value that is right may hold an old name.
    const texts = [...this.old.keys(), ...current].sort((a, b) => b.length - a.length);
    this.unchanged = this.old.size > 0 ? tokenPattern(texts, "gi") : undefined;
  }

  /** Whether there is anything to look for in files that no run changes. */
  get hasOldNames(): boolean {
    return this.unchanged !== undefined;
  }

  /** Names the old values in a file of a kind that is not configured. One with a NUL byte is no text. */
  lookAtOther(path: string): void {
    const bytes = this.read(path);
    if (bytes.includes(0)) return;
    this.noteUnchanged(path, bytes.toString("latin1"), (exact) =>
      exact ? "only *.yaml and *.yml files are configured" : "in other letters",
    );
  }

  /** @param why the reason that a run leaves an old name; undefined where it doesn't */
  private noteUnchanged(path: string, text: string, why: (exact: boolean) => string | undefined): void {
    const kept = keptIn(text);
    const told = new Set<string>();
    for (const { 0: found, index } of text.matchAll(this.unchanged as RegExp)) {
      const name = this.old.get(found.toLowerCase());
      const exact = found === name?.text;
      const reason = why(exact);
      // Only hosts are the same in other letters.
      if (name === undefined || reason === undefined || kept.has(found) || told.has(found)) continue;
      if (!exact && !HOST.test(name.text)) continue;
      told.add(found);
      this.notes.push(this.describe(path, text.slice(0, index), found, name, `is a former name (${reason})`));
    }
  }

  /** Decides about one file. */
  look(path: string): void {
    const shared = this.read(path);
    if (this.unchanged)
      this.noteUnchanged(path, shared.toString("latin1"), (exact) =>
        exact ? undefined : "in other letters",
      );
    const isListed = this.record.files.has(path);
    const holdsName = this.holdsName(shared);
    if (isListed && !holdsName) return;
    const hasOriginal = this.originals.has(path.toLowerCase());
    const found = hasOriginal ? bytesIfThere(this.directory, backupOf(path)) : undefined;
    // An empty file never had a placeholder: it was cut off or emptied by hand.
    const original = found === undefined || found.length === 0 ? undefined : found;
    const live = original || holdsName ? shared.toString("latin1") : "";
    const isUnknown = original !== undefined && !isListed && this.hasUnknownNames(path, original, live);
    if (original && !isUnknown) this.configured.add(path);
    if (!holdsName) return;
    const bytes = Buffer.from(shared);
    const stat = lstatSync(onDisk(this.directory, path));
    // One that was taken out and came back as it is in the template: a configured file holds a name.
    const isKnown = isListed && (found !== undefined || this.holdsAnyValue(live));
    const change = (source: Buffer, table: readonly TokenReplacement[]) => {
      const result = Buffer.from(replaceTokens(source.toString("latin1"), table), "latin1");
      if (result.equals(bytes)) return;
      const isFirst = found === undefined && !isKnown;
      this.changes.push({ path, stat, live: bytes, source, replacements: table, result, isFirst });
    };
    if (original) {
      const text = original.toString("latin1");
      const isOriginal = text === live;
      if (isOriginal || this.isRendering(text, live)) {
        change(original, this.names.table);
        return;
      }
    }
    change(bytes, this.tableFor(path, live, original?.toString("latin1"), isKnown && !original));
  }

  /** Reads a file into memory that the next one is read into as well: most files hold no name. */
  private read(path: string): Buffer {
    try {
      const descriptor = openSync(onDisk(this.directory, path), "r");
      try {
        const length = readSync(descriptor, this.memory, 0, this.memory.length, 0);
        return length < this.memory.length ? this.memory.subarray(0, length) : readFileSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new Error(
        `${shownPath(this.directory, path)}: cannot be read (${code}), nothing was changed; fix its permissions, then run again`,
        { cause: error },
      );
    }
  }

  /** A file that came from elsewhere with its original, and with names that were never written here, is named. */
  private hasUnknownNames(path: string, original: Buffer, live: string): boolean {
    const text = original.toString("latin1");
    if (text === live || this.isRendering(text, live)) return false;
    const captures = captureNames({ original: text, live }, this.names.placeholders, () => ANY_NAME);
    const readable = (latin1: string) => bytesToText(Buffer.from(latin1, "latin1"));
    for (const [placeholder, texts] of captures ?? [])
      for (const found of texts)
        if (!this.names.isKnown(placeholder, found))
          this.notes.push(
            `${shownPath(this.directory, path)}: "${readable(found)}" stands where the original has "${readable(placeholder)}", and is no name that was written here; write "${readable(this.names.valueOf(placeholder))}", or add the comment "# static-configuration: keep ${readable(found)}" to the file`,
          );
    return captures !== undefined;
  }

  private holdsAnyValue(live: string): boolean {
    return countTokens(live, [...this.names.current, ...this.names.old.map(({ text }) => text)]).size > 0;
  }

  private isRendering(original: string, live: string): boolean {
    return replaceTokens(original, this.names.table) === live || this.names.isRendering(original, live);
  }

  /** What is replaced in a file that is more than its original with values in it, or has none. */
  private tableFor(
    path: string,
    live: string,
    original: string | undefined,
    lostOriginal: boolean,
  ): readonly TokenReplacement[] {
    const { current, old, placeholders } = this.names;
    const isFirst = original === undefined && !lostOriginal && this.record.files.size === 0;
    // Nearly all files of a first run: they share one table, and one sed.
    if (isFirst && old.length === 0 && !live.includes(KEEP_BEGIN)) return this.names.table;

    const kept = keptIn(live);
    const wasConfigured = lostOriginal || original !== undefined;
    const table = new Map<string, string>();
    // Values that are right stay, also those that hold a placeholder or an old name.
    if (wasConfigured || this.record.files.size > 0) for (const value of current) table.set(value, value);
    const fresh = wasConfigured ? this.names.clearTable : this.names.table;
    for (const { placeholder, value } of fresh) table.set(placeholder, value);

    const texts = old.map(({ text }) => text);
    const inLive = countTokens(live, [...current, ...texts, ...kept]);
    const inOriginal = countTokens(original ?? "", [...placeholders, ...texts]);
    // The original of a file of the user's own says nothing about the names in it.
    const isTemplate = placeholders.some((placeholder) => inOriginal.has(placeholder));
    for (const name of old) {
      const own = isTemplate ? (inOriginal.get(name.text) ?? 0) : 0;
      const isSure = isTemplate
        ? own === 0
        : HOST.test(name.text) || (lostOriginal && COMPOUND.test(name.text));
      if (name.last && !name.unclear && isSure) table.set(name.text, name.value);
      else {
        table.set(name.text, table.get(name.text) ?? name.text);
        // The template's own words are in the original as often.
        if (
          (inLive.get(name.text) ?? 0) > own &&
          !kept.has(name.text) &&
          (name.last || COMPOUND.test(name.text))
        )
          this.notes.push(this.noteOf(path, live, name));
      }
    }
    for (const text of kept) table.set(text, text);
    return [...table].map(([placeholder, value]) => ({ placeholder, value }));
  }

  private noteOf(path: string, live: string, name: OldName): string {
    const before = live.slice(0, live.search(tokenPattern([name.text])));
    return this.describe(path, before, name.text, name, "is a former name, and may be meant here");
  }

  private describe(path: string, before: string, found: string, { value }: OldName, what: string): string {
    const [from, to] = [found, value].map((latin1) => bytesToText(Buffer.from(latin1, "latin1")));
    return `${shownPath(this.directory, path)}, line ${before.split("\n").length}: "${from}" ${what}; write "${to}", or add the comment "# static-configuration: keep ${from}" to the file`;
  }

  plan(): Plan {
    const { directory, record } = this;
    const exists = (path: string) => lstatSync(onDisk(directory, path), { throwIfNoEntry: false });
    const files = new Set([...record.files, ...this.configured, ...this.changes.map(({ path }) => path)]);
    const missingOriginals: string[] = [];
    for (const path of [...record.files].sort(compareBytes)) {
      const isThere = exists(path)?.isFile() ?? false;
      const hasOriginal = (exists(backupOf(path))?.size ?? 0) > 0;
      if (isThere && !hasOriginal) missingOriginals.push(path);
      // An application that was removed with its originals.
      if (!isThere && !hasOriginal) files.delete(path);
    }
    const values = new Map<string, string[]>([...record.values].map(([key, list]) => [key, [...list]]));
    const begun = new Map(values);
    const former = new Map<string, string[]>([...record.former].map(([key, list]) => [key, [...list]]));
    for (const { placeholder, value } of this.replacements) {
      for (const one of values.get(placeholder) ?? []) add(former, placeholder, one);
      values.delete(placeholder);
      if (value !== placeholder) {
        add(begun, placeholder, value);
        values.set(placeholder, [value]);
      }
      const left = (former.get(placeholder) ?? []).filter((one) => one !== value && one !== placeholder);
      if (left.length > 0) former.set(placeholder, left);
      else former.delete(placeholder);
    }
    return {
      changes: this.changes,
      notes: [...explainRecord(directory, this.changes.length > 0), ...this.notes],
      missingOriginals,
      begun: { ...record, values: begun },
      done: { values, former, files },
    };
  }
}

/** The names that a file says are meant. In a file of another kind they may stand in quotes. */
function keptIn(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(KEEP)].flatMap((match) => (match[1] as string).trim().split(/[\s"',;]+/)));
}
