import { readFileSync } from "node:fs";
import { join } from "node:path";
import { shownPath } from "../place";
import { bytesToText } from "./byte-text";
import type { FileSum } from "./checksum";
import { compareBytes, RECORD } from "./paths";

/** What the static configuration wrote last (flux/.backups/configured.txt). */
export interface ConfigurationRecord {
  /** Placeholder → the value that was written last. */
  readonly values: ReadonlyMap<string, string>;
  /** Path relative to the project's folder → the file as it was written last. */
  readonly files: ReadonlyMap<string, FileSum>;
}

const EMPTY: ConfigurationRecord = { values: new Map(), files: new Map() };

/**
 * Reads the record; an empty one when nothing was configured yet.
 *
 * Format, one entry a line, columns divided by tabs: `value placeholder value` and `file path checksum size`, in a path
 * `%`, tab and line breaks as %25, %09, %0A and %0D. Lines that begin with `#` are comments.
 *
 * @throws Error when a line can't be read, such as one of an unresolved merge conflict.
 */
export function readRecord(projectDirectory: string): ConfigurationRecord {
  const text = readIfThere(join(projectDirectory, RECORD));
  return text === undefined ? EMPTY : parseRecord(text, shownPath(projectDirectory, RECORD));
}

/**
 * @param name what messages call the file
 * @throws Error when a line can't be read.
 */
export function parseRecord(text: string, name: string = RECORD): ConfigurationRecord {
  const values = new Map<string, string>();
  const files = new Map<string, FileSum>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const [kind, ...columns] = line.split("\t");
    const [first = "", second = "", third = ""] = columns;
    if (kind === "value" && columns.length === 2) values.set(first, second);
    else if (kind === "file" && columns.length === 3) {
      files.set(unescapePath(first), { checksum: Number(second), size: Number(third) });
    } else {
      throw new Error(
        `${name}, line ${index + 1}: ${JSON.stringify(line)} cannot be read; resolve the merge conflict or restore the file from Git`,
      );
    }
  }
  return { values, files };
}

/** The text of a record, as configure.sh writes it. */
export function renderRecord({ values, files }: ConfigurationRecord): string {
  const lines = [
    "# Written by the static configuration; commit it together with flux/. Values last written, then",
    "# path, checksum (POSIX cksum) and size of every file as it was last written.",
    ...[...values].map(([placeholder, value]) => `value\t${placeholder}\t${value}`).sort(compareBytes),
    ...[...files]
      .map(([path, { checksum, size }]) => `file\t${escapePath(path)}\t${checksum}\t${size}`)
      .sort(compareBytes),
  ];
  return `${lines.join("\n")}\n`;
}

/** A path as it stands in the record and in the journal. */
export function escapePath(path: string): string {
  return path.replace(/[%\t\n\r]/g, (character) => encodeURIComponent(character));
}

/** The reverse of {@link escapePath}. */
export function unescapePath(path: string): string {
  return path.replace(/%(25|09|0A|0D)/g, (escaped) => decodeURIComponent(escaped));
}

/** A text file (see {@link bytesToText}), or undefined when there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return bytesToText(readFileSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
