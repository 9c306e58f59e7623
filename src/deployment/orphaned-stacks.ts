import { openStore, parseState } from "../state";
import type { SynthesizedStack } from "../terraform";
import type { Workspace } from "../workspace";

const ENDING = ".tfstate";

/**
 * Stacks with resources in their state that the configuration no longer has: their environment, or `github`, was taken out while
 * it was deployed. No plan shows them, and they would be paid for ever.
 * @throws Error when the states can't be read
 */
export async function orphanedStacks(
  workspace: Pick<Workspace, "directory" | "project" | "variables">,
  all: readonly SynthesizedStack[],
): Promise<string[]> {
  const store = await openStore(workspace);
  const known = new Set(all.map(({ name }) => name));
  const others = (await store.list(""))
    .filter((name) => name.endsWith(ENDING))
    .filter((name) => !known.has(name.slice(0, -ENDING.length)));
  const orphans: string[] = [];
  for (const name of others) {
    const file = parseState(await store.read(name));
    // A state that can't be read may hold anything.
    if (file.kind === "damaged" || (file.kind === "state" && file.resources.length > 0))
      orphans.push(name.slice(0, -ENDING.length));
  }
  return orphans.sort();
}
