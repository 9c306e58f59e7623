import { openStore, readStates, statesInUse } from "../state";
import type { SynthesizedStack } from "../terraform";
import type { Workspace } from "../workspace";

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
  const others = await readStates(store, (stack) => !known.has(stack));
  return [...statesInUse(others).keys()].sort();
}
