import { readFileSync } from "node:fs";
import { join } from "node:path";
import { shownPath } from "../place";
import { bytesToText, textToBytes } from "./byte-text";
import { compareBytes, RECORD } from "./paths";

/**
 * What the static configuration has written (flux/.backups/configured.txt). It is evidence beside the originals and the tree itself:
 * all that it says is true, but a merge or a lost file may have left something out.
 */
export interface ConfigurationRecord {
  /** Placeholder → the values that were written last: one, or several after a merge or a run that was ended. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Placeholder → the values that were written before those. */
  readonly former: ReadonlyMap<string, readonly string[]>;
  /** Files that were configured, relative to the project's folder. */
  readonly files: ReadonlySet<string>;
}

/**
 * Reads the record; undefined when there is none.
 *
 * Format, one entry a line, columns divided by tabs: `value placeholder value`, `former placeholder value` and `file path`, in a path
 * `%`, tab and line breaks as %25, %09, %0A and %0D. Lines that begin with `#` are comments. The order has no meaning, and each entry is
 * true by itself, so that a merge may keep the lines of both sides.
 *
 * @throws Error when a line can't be read, such as one of an unresolved merge conflict.
 */
export function readRecord(projectDirectory: string): ConfigurationRecord | undefined {
  const text = readIfThere(join(projectDirectory, RECORD));
  // A last line without its end was cut off, and may say anything.
  return text === undefined
    ? undefined
    : parseRecord(text.slice(0, text.lastIndexOf("\n") + 1), shownPath(projectDirectory, RECORD));
}

/**
 * @param name what messages call the file
 * @throws Error when a line can't be read.
 */
export function parseRecord(text: string, name: string = RECORD): ConfigurationRecord {
  const values = new Map<string, string[]>();
  const former = new Map<string, string[]>();
  const files = new Set<string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const [kind, ...columns] = line.split("\t");
    const [first = "", second = ""] = columns;
    if (kind === "value" && columns.length === 2) add(values, first, second);
    else if (kind === "former" && columns.length === 2) add(former, first, second);
    // Earlier versions noted checksum and size behind the path.
    else if (kind === "file" && (columns.length === 1 || columns.length === 3))
      files.add(unescapePath(first));
    else {
      throw new Error(
        `${name}, line ${index + 1}: ${JSON.stringify(line)} cannot be read; resolve the merge conflict (keep the lines of both sides) or restore the file from Git`,
      );
    }
  }
  return { values, former, files };
}

/** The text of a record. */
export function renderRecord({ values, former, files }: ConfigurationRecord): string {
  const pairs = (kind: string, map: ReadonlyMap<string, readonly string[]>) =>
    [...map]
      .flatMap(([placeholder, list]) => list.map((value) => `${kind}\t${placeholder}\t${value}`))
      .sort(compareBytes);
  const lines = [
    "# Written by the static configuration; commit it together with flux/. After a merge conflict keep the lines of both sides.",
    ...pairs("value", values),
    ...pairs("former", former),
    ...[...files].map((path) => `file\t${escapePath(path)}`).sort(compareBytes),
  ];
  return `${lines.join("\n")}\n`;
}

/** Adds a value to a placeholder's list, once. */
export function add(map: Map<string, string[]>, placeholder: string, value: string): void {
  const list = map.get(placeholder) ?? [];
  if (!list.includes(value)) map.set(placeholder, [...list, value]);
}

/** The bytes of a record's text. */
export const recordBytes = (record: ConfigurationRecord): Buffer => textToBytes(renderRecord(record));

const escapePath = (path: string): string =>
  path.replace(/[%\t\n\r]/g, (character) => encodeURIComponent(character));

const unescapePath = (path: string): string =>
  path.replace(/%(25|09|0A|0D)/g, (escaped) => decodeURIComponent(escaped));

/** A text file (see {@link bytesToText}), or undefined when there is none. */
function readIfThere(path: string): string | undefined {
  try {
    return bytesToText(readFileSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
