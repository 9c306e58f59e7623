import { openStore, recoverErroredState, refuseLostStates, refuseMisplacedStates } from "../state";
import type { Output } from "../terminal/output";
import { type SynthesizedStack, withDependencies } from "../terraform";
import type { Workspace } from "../workspace";
import { explainRecovered } from "./state-record";

/**
 * Stops before a plan on a state that was lost, belongs to another stack, or is somewhere else than the configuration says, of some
 * stacks or of those that they read outputs from: it would make everything a second time, or destroy what is another's. What terraform could not write the last time is taken in before.
 * @throws LostStates
 */
export async function refuseLost(
  workspace: Workspace,
  all: readonly SynthesizedStack[],
  { selected, output }: { readonly selected: readonly SynthesizedStack[]; readonly output: Output },
): Promise<void> {
  const read = withDependencies(
    all,
    selected.map(({ name }) => name),
  );
  const names = read.map(({ name }) => name);
  await refuseMisplacedStates(workspace, names);
  const store = await openStore(workspace);
  for (const stack of read) {
    const recovered = await recoverErroredState(store, stack, workspace.variables);
    if (recovered) output.line(explainRecovered(recovered));
  }
  await refuseLostStates(store, names, workspace);
}
