import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { sweepPlainText } from "./plain-text-folder";
import { secretsFolders } from "./secret-files";

/**
 * Removes what commands that were killed have left behind: plain text of an edit, and encrypted drafts beside the files of secrets,
 * which `git add flux` would commit. Only while no other command works here.
 */
export function removeLeftovers(directory: string, environments: readonly string[]): void {
  sweepPlainText(directory);
  for (const folder of environments.flatMap((environment) => secretsFolders(directory, environment)))
    for (const name of readdirSync(join(directory, folder)))
      if (name.endsWith(".yaml.new")) rmSync(join(directory, folder, name), { force: true });
}
