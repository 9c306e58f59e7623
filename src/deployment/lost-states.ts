import { openStore, refuseLostStates } from "../state";
import { type SynthesizedStack, withDependencies } from "../terraform";
import type { Workspace } from "../workspace";

/**
 * Stops before a plan on a state that was lost, of some stacks or of those that they read outputs from: it would make everything a
 * second time.
 * @throws Error that names each lost state, its newest backup and the command that restores it
 */
export async function refuseLost(
  workspace: Workspace,
  all: readonly SynthesizedStack[],
  selected: readonly SynthesizedStack[],
): Promise<void> {
  const names = selected.map(({ name }) => name);
  const read = withDependencies(all, names).map(({ name }) => name);
  await refuseLostStates(await openStore(workspace), read, workspace.npmRun);
}
