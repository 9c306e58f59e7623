import { renameSync, writeFileSync } from "node:fs";

/** Beside and then into place: nobody reads half a file. */
export function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
