import type { Command } from "commander";
import { applyAll } from "../deployment/apply-all";
import { INTERRUPTED_EXIT_CODE, watchInterruption } from "../deployment/interruption";
import { planAll } from "../deployment/plan-all";
import { selectStacks } from "../deployment/selection";
import { confirm, isInteractive } from "../terminal/confirm";
import { Output } from "../terminal/output";
import { planLines } from "../terminal/plan-view";
import { environmentOf, hasChanges, withDependencies } from "../terraform";
import { openWorkspace, synthesizeStacks } from "../workspace";
import { reportStacks } from "./deploy";
import { type CommonOptions, command, sandboxName } from "./options";

export function destroyCommand(): Command {
  return command(
    "destroy",
    "Destroy the clusters of environments and everything that Terraform made for them (not production)",
    ["selection", "sandbox", "yes", "json"],
  ).action(async (options: CommonOptions) => {
    const output = new Output(options.json ?? false);
    const workspace = await openWorkspace({ sandbox: sandboxName(options) });
    const interruption = watchInterruption(output);
    try {
      const all = await synthesizeStacks(workspace);
      const named = selectStacks(all, { environments: options.environment, stacks: options.stack });
      // What builds on a stack goes before it.
      const selected = withDependencies(
        all,
        named.map(({ name }) => name),
        "downstream",
      );
      const isProtected = workspace.project.environments
        .filter(({ production }) => production)
        .map(({ name }) => name);
      const refused = selected.filter((stack) => isProtected.includes(environmentOf(stack)));
      if (refused.length > 0) {
        const others = workspace.project.environments
          .filter(({ production }) => !production)
          .map(({ name }) => name);
        throw new Error(
          `${refused.map(({ name }) => name).join(", ")}: production is protected and can't be destroyed.${others.length > 0 ? ` Others can: npm run destroy -- --environment ${others[0]}` : ""}`,
        );
      }
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
      for (const { message } of failures) output.problem(`\n${message}`);
      process.exitCode = 1;
      if (failures.length > 0) return;
      if (!plans.some(hasChanges)) {
        output.line("\nNothing to destroy.");
        output.result({ stacks: [], exitCode: 0 });
        process.exitCode = 0;
        return;
      }
      if (
        !options.yes &&
        !(isInteractive() && (await confirm("\nDestroy all of this? It can't be undone.")))
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
      reportStacks(output, stacks);
      const complete = stacks.every(({ status }) => status === "applied" || status === "unchanged");
      process.exitCode = complete ? 0 : interruption.reason() ? INTERRUPTED_EXIT_CODE : 1;
      output.result({ stacks, exitCode: process.exitCode });
    } finally {
      interruption.end();
      await workspace.close();
    }
  });
}
