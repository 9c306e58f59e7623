import { openStore } from "../state";
import type { Output } from "../terminal/output";
import { applyPlan, hasChanges, type StackPlan } from "../terraform";
import { stackInputs, type Workspace } from "../workspace";
import { UnfinishedCreations } from "./adoption";
import { Interrupted, type Interruption, orInterrupted } from "./interruption";
import { keepBackup, recordingState } from "./state-record";

/**
 * Writes into the states what the clouds have become where nothing is left to change, as after a run that was killed between its
 * last change and writing it down: else the state would go on listing what is gone. Applying a plan without changes does just that. A state
 * that has no backup yet gets one, since such a run made none of what it did.
 * @throws TerraformError, or Interrupted
 */
export async function catchUp(
  {
    workspace,
    output,
    interruption,
  }: { readonly workspace: Workspace; readonly output: Output; readonly interruption: Interruption },
  plans: readonly StackPlan[],
): Promise<void> {
  const store = await openStore(workspace);
  for (const plan of plans.filter((one) => !hasChanges(one) && one.assumed.length === 0)) {
    const { stack, destroy, drifted } = plan;
    new UnfinishedCreations(workspace, stack.name, output).settle(() => true);
    const stop = interruption.reason();
    if (stop) throw new Interrupted(stop);
    await recordingState({ stack, store, workspace, output }, async () => {
      if (!drifted) return;
      await keepBackup(store, stack.name, output);
      output.progress(stack.name, "nothing to change; the state catches up with the cloud");
      const inputs = destroy ? {} : stackInputs(workspace, stack);
      await orInterrupted(interruption, applyPlan(plan, { variables: workspace.variables, inputs }));
    });
  }
}
