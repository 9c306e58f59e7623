import { lstatSync } from "node:fs";
import { join } from "node:path";
import { RUN } from "./paths";
import { readIfThere, unescapePath } from "./record";
import type { TokenReplacement } from "./token-replacement";

/** What a killed run of configure.sh left in flux/.backups/.run. */
export interface Journal {
  /** The replacements it was carrying out. */
  readonly table: readonly TokenReplacement[];
  /** Files whose backups may be cut off; the files themselves are unchanged. */
  readonly unfinishedBackups: ReadonlySet<string>;
  /** Files that the run was changing in place. */
  readonly changing: readonly string[];
  /** Since when, in milliseconds of the files' clock. */
  readonly changingSince: number;
}

/** Reads it; an empty one when no run was killed. */
export function readJournal(projectDirectory: string): Journal {
  const read = (name: string) => readIfThere(join(projectDirectory, RUN, name)) ?? "";
  // What follows the last line break was cut off.
  const rows = (name: string) =>
    read(name)
      .split("\n")
      .slice(0, -1)
      .map((line) => line.split("\t"));
  const state = read("state").trim();
  return {
    table:
      state === "change"
        ? rows("table").map(([placeholder = "", value = ""]) => ({ placeholder, value }))
        : [],
    unfinishedBackups: new Set(
      state === "backup" ? rows("fresh.list").map(([path = ""]) => unescapePath(path)) : [],
    ),
    changing: state === "change" ? rows("new.list").map(([path = ""]) => unescapePath(path)) : [],
    changingSince: lstatSync(join(projectDirectory, RUN, "state"), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  };
}
