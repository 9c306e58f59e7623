import { replacementsFor } from "../flux";
import { sandboxAt, shownPath } from "../place";
import { explainMissing, planConfiguration, readRecord } from "../static-configuration";
import type { Workspace } from "./workspace";

/**
 * What of the static configuration needs a person, each with what to do: places with a former name that may be meant, originals that
 * are missing, a record that is. `diff`, `status` and `deploy` show the same.
 */
export function configurationNotes({
  directory,
  project,
}: Pick<Workspace, "directory" | "project">): string[] {
  const { changes, notes, missingOriginals } = planConfiguration(directory, replacementsFor(project));
  const isLost = readRecord(directory) === undefined && changes.length === 0;
  return [
    ...(isLost ? [lostRecord(directory)] : []),
    ...notes,
    ...explainMissing(directory, missingOriginals),
  ];
}

/** The tree is configured, and the record beside the originals is missing. */
function lostRecord(directory: string): string {
  const [record, tree] = [shownPath(directory, "flux/.backups/configured.txt"), shownPath(directory, "flux")];
  const fix =
    sandboxAt(directory) === undefined
      ? "Restore it: git checkout -- flux/.backups"
      : `Delete ${tree}, and the next command copies it again`;
  return `${record} is missing. Without it and the originals a changed name cannot be found in ${tree}/. ${fix}`;
}
