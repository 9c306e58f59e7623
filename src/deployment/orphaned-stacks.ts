import { findLostStates, knownStacks, openStore, readStates, statesInUse } from "../state";
import type { SynthesizedStack } from "../terraform";
import type { Workspace } from "../workspace";

/**
 * Stacks with resources in their state, or whose state was lost, that the configuration no longer has: their environment, or `github`,
 * was taken out while it was deployed. No plan shows them, and they would be paid for ever.
 * @throws Error when the states can't be read
 */
export async function orphanedStacks(
  workspace: Pick<Workspace, "directory" | "project" | "variables">,
  all: readonly SynthesizedStack[],
): Promise<string[]> {
  const store = await openStore(workspace);
  const configured = new Set(all.map(({ name }) => name));
  const others = (await knownStacks(store)).filter((stack) => !configured.has(stack));
  // Nearly always, and then no state has to be read.
  if (others.length === 0) return [];
  const inUse = statesInUse(await readStates(store, (stack) => others.includes(stack)));
  const lost = await findLostStates(store, others, workspace.project);
  return [...new Set([...inUse.keys(), ...lost.map(({ stack }) => stack)])].sort();
}
