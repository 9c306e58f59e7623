import { join } from "node:path";
import type { Workspace } from "../../workspace";
import { stateName } from "../backups";
import { localStore, openStore, STATE_FOLDER } from "../open-store";
import { count, describeFile } from "../state-file";
import { placeIn } from "../state-store";
import { readStates, statesInUse, storedStacks } from "../stored-states";
import { markBucket, markedBucket } from "./bucket-marker";

type Place = Pick<Workspace, "directory" | "project" | "variables" | "npmRun">;

/**
 * Stops before a plan on states that are somewhere else than the configuration says: Terraform would find none, and make everything a
 * second time. Either local states were never moved to the bucket, or the configuration has gone back from a bucket to local files.
 * @throws Error that names the states and the command that moves them
 */
export async function refuseMisplacedStates(workspace: Place, stacks: readonly string[]): Promise<void> {
  const { project, directory } = workspace;
  if (project.state.backend === "local") return refuseLeftInBucket(workspace, stacks);
  await refuseNotMigrated(workspace);
  markBucket(join(directory, STATE_FOLDER), project.state);
}

async function refuseNotMigrated(workspace: Place): Promise<void> {
  const local = localStore(workspace.directory);
  const deployed = statesInUse(await readStates(local));
  if (deployed.size === 0) return;
  const store = await openStore(workspace);
  const present = await storedStacks(store);
  const missing = [...deployed].filter(([stack]) => !present.includes(stack));
  if (missing.length === 0) return;
  throw new Error(
    [
      `The configuration keeps the states in the ${store.description}, and ${count(missing.length, "state")} of what is deployed ${missing.length === 1 ? "is" : "are"} in ${local.description} only:`,
      ...missing.map(([stack, file]) => `  ${placeIn(local, stateName(stack))} (${describeFile(file)})`),
      "Without them Terraform would make everything a second time. Nothing was changed.",
      `Move them: ${workspace.npmRun("state", "migrate")}`,
    ].join("\n"),
  );
}

async function refuseLeftInBucket({ directory, npmRun }: Place, stacks: readonly string[]): Promise<void> {
  const marked = markedBucket(join(directory, STATE_FOLDER));
  if (marked === undefined) return;
  const local = localStore(directory);
  const present = await storedStacks(local);
  const missing = stacks.filter((stack) => !present.includes(stack));
  if (missing.length === 0) return;
  const { bucket, region, endpoint } = marked;
  throw new Error(
    [
      `The configuration keeps the states in ${local.description}, where there ${missing.length === 1 ? "is none" : "are none"} of ${missing.join(", ")}; the last command here kept them in the bucket ${bucket} (${region}, ${endpoint}).`,
      "Without them Terraform would make everything a second time. Nothing was changed.",
      `Put "backend": "spaces" with that bucket back into the configuration. To move the states back: then ${npmRun("state", "migrate", "--to-local")}, and "backend": "local" after that.`,
      `If they are in the bucket no longer, delete ${placeIn(local, "in-bucket.json")}.`,
    ].join("\n"),
  );
}
