import type { Command } from "commander";
import { applyAll } from "../deployment/apply-all";
import { INTERRUPTED_EXIT_CODE, orInterrupted, watchInterruption } from "../deployment/interruption";
import { refuseLost } from "../deployment/lost-states";
import { failureMessages, planAll } from "../deployment/plan-all";
import { type Selection, selectStacks } from "../deployment/selection";
import { confirm, isInteractive } from "../terminal/confirm";
import { Output } from "../terminal/output";
import { planLines } from "../terminal/plan-view";
import { environmentOf, hasChanges, type SynthesizedStack, withDependencies } from "../terraform";
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
      const all = await orInterrupted(interruption, synthesizeStacks(workspace));
      const named = selectStacks(all, requireSelection(options, workspace));
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
      output.line();
      for (const plan of plans) output.line(planLines(plan).join("\n"));
      for (const message of failureMessages(failures)) output.problem(`\n${message}`);
      process.exitCode = interruption.reason() ? INTERRUPTED_EXIT_CODE : 1;
      if (failures.length > 0) {
        output.result({ stacks: [], exitCode: process.exitCode, failures });
        return;
      }
      if (!plans.some(hasChanges)) {
        output.line("\nNothing to destroy.");
        output.result({ stacks: [], exitCode: 0 });
        process.exitCode = 0;
        return;
      }
      if (
        !options.yes &&
        !(
          isInteractive() &&
          (await confirm("\nDestroy all of this? It can't be undone. Only yes destroys it."))
        )
      ) {
        output.problem(
          isInteractive()
            ? "Nothing was destroyed."
            : "\nNothing was destroyed: this has to be approved, and nobody is at the keyboard (--yes approves it).",
        );
        return;
      }
      output.heading("Destroy");
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
      const complete = stacks.every(({ status }) => status === "applied" || status === "unchanged");
      if (complete)
        output.line(
          `\nDestroyed. It is still in ${workspace.configurationName}: the next deploy would make it again.`,
        );
      process.exitCode = complete ? 0 : interruption.reason() ? INTERRUPTED_EXIT_CODE : 1;
      output.result({ stacks, exitCode: process.exitCode });
    } finally {
      interruption.end();
      await workspace.close();
    }
  });
}

/** Nothing is destroyed that nobody named. */
function requireSelection(options: CommonOptions, workspace: Workspace): Selection {
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

function refuseProduction(selected: readonly SynthesizedStack[], { project }: Workspace): void {
  const guarded = project.environments.filter(({ production }) => production).map(({ name }) => name);
  const refused = selected.filter((stack) => guarded.includes(environmentOf(stack))).map(({ name }) => name);
  if (refused.length > 0)
    throw new Error(
      `${refused.join(", ")}: production is protected and can't be destroyed. docs/safety.md#giving-production-up says how it is given up.`,
    );
}
