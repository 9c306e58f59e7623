import { npmRunIn } from "../place";

/**
 * Where the states of a project's stacks and their backups are kept: a folder or a bucket. Terraform itself reads and writes the
 * states through its backend; this is for what goes on around it (backups, checks, restoring, migration).
 *
 * Names are paths with slashes below the store: `staging-cluster.tfstate`,
 * `backups/staging-cluster/20261121T183000123Z-12-1f2e3d4c.tfstate`. Every method throws an Error that names the place and the
 * reason when the store can't be reached or refuses.
 */
export interface StateStore {
  /** What people know it as: `state/` or `bucket acme-state in nyc3`. */
  readonly description: string;
  /** The directory of the workspace that it belongs to, for the commands in messages; absent: the checkout. */
  readonly workspace?: string;
  /** The content of a file; undefined when there is none of that name. */
  read(name: string): Promise<Buffer | undefined>;
  /** Writes a file whole or not at all: nobody, now or after a crash, finds half of it. Replaces one of the same name. */
  write(name: string, content: Buffer): Promise<void>;
  /** Removes a file; one that isn't there is no error. */
  remove(name: string): Promise<void>;
  /** Names of the files directly in a folder (`""` is the store itself), without the folder, sorted; none when there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Names of the folders directly in a folder, likewise. */
  listFolders(folder: string): Promise<readonly string[]>;
}

/** What people know a file or folder of a store as: `state/staging-cluster.tfstate`, `bucket acme-state in nyc3, staging-cluster.tfstate`. */
export function placeIn({ description }: Pick<StateStore, "description">, name: string): string {
  return `${description}${description.endsWith("/") ? "" : ", "}${name}`;
}

/** The command that says more of the states in a store. */
export function stateCheck({ workspace = "" }: Pick<StateStore, "workspace">): string {
  return npmRunIn(workspace, "state", "check");
}
