import { replacementsFor } from "../flux";
import { sandboxAt, shownPath } from "../place";
import { pendingFiles, readRecord } from "../static-configuration";
import type { Workspace } from "./workspace";

/**
 * Why a changed name would not reach flux/: the tree is configured, but nobody knows any more with what, since the record beside
 * the originals is gone. Undefined when all is well.
 */
export function lostRecord({
  directory,
  project,
}: Pick<Workspace, "directory" | "project">): string | undefined {
  // The record is one file, the tree is many: it is searched only where the record is gone.
  if (readRecord(directory).values.size > 0) return undefined;
  if (pendingFiles(directory, replacementsFor(project)).length > 0) return undefined;
  const [record, tree] = [shownPath(directory, "flux/.backups/configured.txt"), shownPath(directory, "flux")];
  const fix =
    sandboxAt(directory) === undefined
      ? "Bring it back: git checkout -- flux/.backups"
      : `Delete ${tree}, and the next command copies it anew`;
  return `${record} is gone, so a changed name in the configuration will not reach ${tree}/. ${fix}`;
}
