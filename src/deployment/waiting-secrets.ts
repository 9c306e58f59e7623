import type { Output } from "../terminal/output";
import { addCounts, showPlans } from "../terminal/plan-view";
import { environmentOf, type StackPlan } from "../terraform";
import type { Workspace } from "../workspace";
import { applyAll, type StackResult } from "./apply-all";
import { explain } from "./failure";
import { openEnvironmentRefusals } from "./open-environments";
import { failureMessages, planAll } from "./plan-all";
import { acceptSealing, type Sealing, type SealingOptions, synthesizeSealed } from "./sealing";

export interface WaitingSecrets {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly options: SealingOptions;
  readonly waiting: Sealing["waiting"];
  readonly stopped: () => string | undefined;
  /** Asked when the plan does more than what was announced. */
  readonly approve: (plan: StackPlan) => Promise<boolean>;
}

const stackOf = (environment: string): string => `${environment}-github-secrets`;

/**
 * Sets the deploy tokens that had to wait for their GitHub environment, now that it exists. They were announced with the plan; should a
 * new plan do anything else, it is shown and has to be approved.
 * @returns the results with what this added
 */
export async function setWaitingSecrets(
  { workspace, output, stopped, options, waiting, approve }: WaitingSecrets,
  results: readonly StackResult[],
): Promise<readonly StackResult[]> {
  const isDone = (name: string): boolean =>
    results.some((one) => one.name === name && ["applied", "unchanged"].includes(one.status));
  const environments = waiting
    .map(({ environment }) => environment)
    .filter((environment) => isDone(stackOf(environment)));
  if (environments.length === 0 || stopped() !== undefined) return results;
  const failed = (names: readonly string[], message: string): readonly StackResult[] =>
    results.map((result) =>
      names.includes(environmentOf(result)) && result.name === stackOf(environmentOf(result))
        ? { ...result, status: "partly applied", message }
        : result,
    );
  try {
    const sealed = { ...options, environment: environments, stack: environments.map(stackOf) };
    const { all, sealing } = await synthesizeSealed(workspace, sealed, true);
    const selected = all.filter(({ name }) => sealed.stack.includes(name));
    const { plans, failures } = await planAll({ workspace, all, selected, output, stopped });
    if (failures.length > 0) return failed(environments, failureMessages(failures).join("\n"));
    for (const plan of plans.filter((one) => !setsSecretsOnly(one))) {
      output.line("This plan does more than what was announced:");
      showPlans(output, [plan]);
      if (!(await approve(plan))) return failed([environmentOf(plan.stack)], "the plan was not approved");
    }
    // Somebody may have let others in since the plans were looked at.
    const refusals = await openEnvironmentRefusals(plans, workspace);
    if (refusals.length > 0) return failed(environments, refusals.join("\n"));
    acceptSealing(workspace, sealing, output);
    const added = await applyAll({ workspace, all, plans, output, stopped, approve });
    return results.map((result) => {
      const more = added.find(({ name }) => name === result.name);
      return more ? { ...result, ...more, counts: addCounts([result.counts, more.counts]) } : result;
    });
  } catch (error) {
    return failed(environments, explain(error as Error));
  }
}

function setsSecretsOnly({ changes }: StackPlan): boolean {
  return changes.every(
    ({ action, address }) => action === "create" && address.startsWith("github_actions_environment_secret."),
  );
}
