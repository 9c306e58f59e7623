import { lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { bytesToText } from "./byte-text";
import type { Journal } from "./journal";
import { backupOf, onDisk } from "./paths";
import { replaceTokensInBytes } from "./token-replacement";

/** Names of the temporary files of `sed -i`: sedXXXXXX (GNU) or <name>XXXXXX (busybox). */
const TEMPORARY = /^(sed.{6}|.*\.ya?ml.{6})$/s;

/**
 * Removes what a killed `sed -i` left beside the files it was changing, by the rule of configure.sh: younger than the run's change
 * of files, and its bytes begin what sed was about to write. Anything else is the user's.
 */
export function removeStrays(projectDirectory: string, journal: Journal): void {
  for (const folder of new Set(journal.changing.map(dirname))) {
    const written = journal.changing
      .filter((path) => dirname(path) === folder)
      .map((path) => bytesIfThere(onDisk(projectDirectory, backupOf(path))))
      .flatMap((original) => (original ? [replaceTokensInBytes(original, journal.table)] : []));
    for (const path of strayNames(projectDirectory, folder)) {
      const stat = lstatSync(path);
      if (!stat.isFile() || stat.mtimeMs < journal.changingSince) continue;
      const bytes = readFileSync(path);
      if (written.some((text) => text.subarray(0, bytes.length).equals(bytes))) rmSync(path);
    }
  }
}

function strayNames(projectDirectory: string, folder: string): Buffer[] {
  try {
    return readdirSync(onDisk(projectDirectory, folder), { encoding: "buffer" })
      .map(bytesToText)
      .filter((name) => TEMPORARY.test(name))
      .map((name) => onDisk(projectDirectory, `${folder}/${name}`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function bytesIfThere(path: Buffer): Buffer | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path) : undefined;
}
