import type { Command } from "commander";
import { applyAll, type StackResult } from "../deployment/apply-all";
import { catchUp } from "../deployment/catch-up";
import { wayOut } from "../deployment/dangers";
import {
  INTERRUPTED_EXIT_CODE,
  type Interruption,
  orInterrupted,
  watchInterruption,
} from "../deployment/interruption";
import { refuseLost } from "../deployment/lost-states";
import { explainMissing, missingObjects, ownerInBackups } from "../deployment/missing-objects";
import { orphanedStacks } from "../deployment/orphaned-stacks";
import { failureMessages, type PlannedStacks, planAll } from "../deployment/plan-all";
import { type Selection, selectStacks } from "../deployment/selection";
import { shownPath } from "../place";
import { readRecipients, SOPS_CONFIGURATION } from "../secrets/sops-configuration";
import { openStore } from "../state";
import { confirm, isInteractive } from "../terminal/confirm";
import { Output } from "../terminal/output";
import { showPlans } from "../terminal/plan-view";
import {
  environmentOf,
  hasChanges,
  type StackPlan,
  type SynthesizedStack,
  withDependencies,
} from "../terraform";
import { openWorkspace, synthesizeStacks, type Workspace } from "../workspace";
import { reportStacks } from "./deploy";
import { type CommonOptions, command, sandboxName } from "./options";

export function destroyCommand(): Command {
  return command(
    "destroy",
    "Destroy the clusters of environments and everything that Terraform made for them (not production)",
    ["selection", "sandbox", "yes", "json"],
  ).action(async (options: CommonOptions) => {
    const output = new Output(options.json ?? false);
    const workspace = await openWorkspace({
      command: "destroy",
      sandbox: sandboxName(options),
      existing: true,
    });
    const interruption = watchInterruption(output);
    try {
      const report = await destroy({ workspace, output, interruption, options });
      if (report.stacks) output.result(report);
      process.exitCode = report.exitCode;
    } finally {
      interruption.end();
      await workspace.close();
    }
  });
}

export interface Destruction {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly interruption: Interruption;
  readonly options: Pick<CommonOptions, "environment" | "stack" | "yes">;
}

/** What a destruction did. */
export interface DestroyReport {
  /** Absent where it ended before anything was to be destroyed, and has said why. */
  readonly stacks?: readonly StackResult[];
  /** Stacks that could not be planned; nothing was destroyed then. */
  readonly failures?: PlannedStacks["failures"];
  /** 0: done; 1: something failed or was not approved; 130: interrupted. */
  readonly exitCode: number;
}

/**
 * Plans, shows, asks and destroys, with what builds on the stacks that are named.
 * @throws Error when nothing is named, or production
 */
export async function destroy({
  workspace,
  output,
  interruption,
  options,
}: Destruction): Promise<DestroyReport> {
  const all = await orInterrupted(interruption, synthesizeStacks(workspace));
  const selection = requireSelection(options, workspace);
  await refuseUnconfigured(workspace, all, selection);
  const named = selectStacks(all, selection);
  // What builds on a stack goes before it.
  const selected = withDependencies(
    all,
    named.map(({ name }) => name),
    "downstream",
  );
  refuseProduction(selected, workspace);
  await refuseLost(workspace, all, { selected, output });
  output.heading("Plan");
  const { plans, failures } = await planAll({
    workspace,
    all,
    selected,
    output,
    destroy: true,
    stopped: interruption.reason,
  });
  showPlans(output, plans);
  for (const message of failureMessages(failures)) output.problem(`\n${message}`);
  const missing = await missingInOtherAccount(workspace, selected, plans);
  for (const message of missing) output.problem(`\n${message}`);
  const failed = (): number => (interruption.reason() ? INTERRUPTED_EXIT_CODE : 1);
  if (failures.length + missing.length > 0) {
    output.problem("\nNothing was destroyed.");
    return { stacks: [], failures, exitCode: failed() };
  }
  if (!plans.some(hasChanges)) {
    await catchUp({ workspace, output, interruption }, plans);
    output.line("\nNothing to destroy.");
    return { stacks: [], exitCode: 0 };
  }
  if (!(await isApproved(options, output))) return { exitCode: failed() };
  output.heading("Destroy");
  await catchUp({ workspace, output, interruption }, plans);
  const stacks = await applyAll({
    workspace,
    all,
    plans,
    output,
    stopped: interruption.reason,
    approve: async () => false,
  });
  reportStacks(
    output,
    stacks.map((stack) => ({
      ...stack,
      remark: stack.status === "applied" ? "destroyed" : stack.status,
    })),
  );
  if (stacks.every(({ status }) => status === "applied" || status === "unchanged")) {
    output.line(
      `\nDestroyed. It is still in ${workspace.configurationName}: the next deploy would make it again.`,
    );
    for (const environment of options.environment)
      if (readRecipients(workspace.directory, environment) !== undefined)
        output.line(
          `To remove ${environment} for good, take it out of ${workspace.configurationName}, and its rule out of ${shownPath(workspace.directory, SOPS_CONFIGURATION)}: docs/configuration.md#another-environment has the commands.`,
        );
    return { stacks, exitCode: 0 };
  }
  const words = [
    ...options.environment.flatMap((name) => ["--environment", name]),
    ...options.stack.flatMap((name) => ["--stack", name]),
  ];
  output.problem(
    `\nNot all of it is destroyed. What is gone is out of the state; \`${workspace.npmRun("destroy", ...words)}\` goes on from there.`,
  );
  return { stacks, exitCode: failed() };
}

/** A token of another account sees nothing of what is deployed: the states would forget all of it, and it would go on running. */
async function missingInOtherAccount(
  workspace: Workspace,
  selected: readonly SynthesizedStack[],
  plans: readonly StackPlan[],
): Promise<string[]> {
  const drifted = selected.filter(({ name }) =>
    plans.some(({ stack, drifted }) => stack.name === name && drifted),
  );
  const missing = await missingObjects({
    plans: [],
    failed: drifted,
    variables: workspace.variables,
    formerOwner: async (stack) => ownerInBackups(await openStore(workspace), stack),
  });
  return missing.filter(({ account }) => account.verdict !== "same").map(explainMissing);
}

async function isApproved({ yes }: Pick<CommonOptions, "yes">, output: Output): Promise<boolean> {
  if (yes) return true;
  if (isInteractive()) {
    if (await confirm("\nDestroy all of this? It can't be undone. Only yes destroys it.")) return true;
    output.problem("Nothing was destroyed.");
    return false;
  }
  output.problem(
    "\nNothing was destroyed: approval is needed, but this is not a terminal. Pass --yes to destroy without a question.",
  );
  return false;
}

/** Nothing is destroyed that nobody named. */
function requireSelection(
  options: Pick<CommonOptions, "environment" | "stack">,
  workspace: Workspace,
): Selection {
  if (options.environment.length > 0 || options.stack.length > 0)
    return { environments: options.environment, stacks: options.stack };
  const possible = workspace.project.environments
    .filter(({ production }) => !production)
    .map(({ name }) => name);
  const hint =
    possible[0] === undefined
      ? "There is only production, which is protected (docs/safety.md#giving-production-up)."
      : workspace.npmRun("destroy", "--environment", possible[0]);
  throw new Error(`Name what to destroy: ${hint}`);
}

/** A stack is destroyed by its description: one that was taken out of the configuration has to come back first. */
async function refuseUnconfigured(
  workspace: Workspace,
  all: readonly SynthesizedStack[],
  { environments, stacks }: Selection,
): Promise<void> {
  const isKnown = (name: string) => all.some((stack) => name === environmentOf(stack) || name === stack.name);
  if ([...environments, ...stacks].every(isKnown)) return;
  const found = (await orphanedStacks(workspace, all)).find(
    (name) => environments.includes(environmentOf({ name })) || stacks.includes(name),
  );
  if (found === undefined) return;
  throw new Error(
    `${found} is deployed, but no longer in ${workspace.configurationName}. A command destroys only what is described there: ${wayOut(found, workspace)}`,
  );
}

function refuseProduction(selected: readonly SynthesizedStack[], { project }: Workspace): void {
  const guarded = project.environments.filter(({ production }) => production).map(({ name }) => name);
  const refused = selected.filter((stack) => guarded.includes(environmentOf(stack))).map(({ name }) => name);
  if (refused.length > 0)
    throw new Error(
      `${refused.join(", ")}: production is protected and can't be destroyed. docs/safety.md#giving-production-up says how it is given up.`,
    );
}
