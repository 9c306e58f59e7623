import { join } from "node:path";
import { shownPath } from "../place";
import type { Workspace } from "../workspace";
import { LocalStore } from "./local-store";
import { openSpacesStore } from "./spaces/spaces-store";
import type { StateStore } from "./state-store";

/** The folder of local states in a workspace, as the stacks' local backend has it (src/stacks/environment-stack.ts). */
export const STATE_FOLDER = "state";

/**
 * The store that the configuration of a workspace's project names.
 * @throws Error when the bucket's keys are missing
 */
export async function openStore({
  directory,
  project,
  variables,
}: Pick<Workspace, "directory" | "project" | "variables">): Promise<StateStore> {
  const { state } = project;
  if (state.backend === "local") return localStore(directory);
  return openSpacesStore(state, variables, { directory });
}

/** The local states of a workspace, also when the configuration names a bucket (states that were never migrated). */
export function localStore(directory: string): LocalStore {
  // A sandbox's are told with its folder: whoever follows a message must not end in the checkout's own states.
  return new LocalStore(join(directory, STATE_FOLDER), `${shownPath(directory, STATE_FOLDER)}/`);
}
