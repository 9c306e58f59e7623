import { readFileSync } from "node:fs";
import { applyEdits, modify } from "jsonc-parser";
import { writeWhole } from "../../files";

/** A configuration in which `state.lockfile` is false; nothing else of the text changes. */
export function withoutLockfile(text: string): string {
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? "  ";
  const edits = modify(text, ["state", "lockfile"], false, {
    formattingOptions: {
      insertSpaces: !indent.startsWith("\t"),
      tabSize: indent.length,
      eol: text.includes("\r\n") ? "\r\n" : "\n",
    },
  });
  return applyEdits(text, edits);
}

/** Writes `"lockfile": false` into a configuration file, whole or not at all. */
export function switchLockfileOff(file: string): void {
  writeWhole(file, withoutLockfile(readFileSync(file, "utf8")));
}
