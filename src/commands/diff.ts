import { existsSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { INTERRUPTED_EXIT_CODE, watchInterruption } from "../deployment/interruption";
import { failureMessages, type PlannedStacks, planAll } from "../deployment/plan-all";
import { explainOrphans, orphanedStacks, refusals } from "../deployment/refusals";
import { selectStacks } from "../deployment/selection";
import { publishedFile } from "../secrets/published";
import { Output } from "../terminal/output";
import { planMarkdown } from "../terminal/plan-markdown";
import { addCounts, count, planLines, summaryTable, summaryText } from "../terminal/plan-view";
import { hasChanges } from "../terraform";
import { openWorkspace, synthesizeStacks, type Workspace } from "../workspace";
import { type CommonOptions, command, sandboxName } from "./options";

interface DiffOptions extends CommonOptions {
  readonly markdown?: string;
}

/** Exit codes of `npm run diff`, as `terraform plan -detailed-exitcode` has them. */
const NO_CHANGES = 0;
const FAILED = 1;
const CHANGES = 2;

export function diffCommand(): Command {
  return command(
    "diff",
    "Show what a deploy would change, in all stacks at once (exit code 0: nothing, 2: something, 1: error)",
    ["selection", "sandbox", "json"],
  )
    .option("--markdown <file>", "write the plans as Markdown too, for a comment on a pull request")
    .action(async (options: DiffOptions) => {
      const output = new Output(options.json ?? false);
      const workspace = await openWorkspace({ command: "diff", sandbox: sandboxName(options) });
      const interruption = watchInterruption(output);
      try {
        const all = await synthesizeStacks(workspace);
        const selected = selectStacks(all, { environments: options.environment, stacks: options.stack });
        const planned = await planAll({ workspace, all, selected, output, stopped: interruption.reason });
        const orphans = orphanedStacks(workspace, all);
        const reasons = [
          ...refusals(planned.plans, workspace),
          ...(orphans.length > 0 ? [explainOrphans(orphans, workspace)] : []),
        ];
        show(output, planned, reasons);
        noteUnsealed(output, workspace);
        if (options.markdown) writeFileSync(options.markdown, planMarkdown(planned));
        process.exitCode = interruption.reason() ? INTERRUPTED_EXIT_CODE : exitCode(planned, reasons);
        output.result(toJson(planned, reasons, Number(process.exitCode)));
      } finally {
        interruption.end();
        await workspace.close();
      }
    });
}

function show(output: Output, { plans, failures }: PlannedStacks, reasons: readonly string[]): void {
  output.line();
  for (const plan of plans) output.line(planLines(plan).join("\n"));
  output.heading("Summary");
  const none = count([]);
  output.line(
    summaryTable([
      ...plans.map(({ stack, changes, assumed }) => ({
        name: stack.name,
        counts: count(changes),
        remark: assumed.length > 0 ? "assumed" : "",
      })),
      ...failures.map(({ stack }) => ({ name: stack, counts: none, remark: "failed" })),
    ]),
  );
  if (plans.some(({ assumed }) => assumed.length > 0)) {
    output.line(
      "\nassumed: a stack that this one builds on was never deployed, or its cluster will be a new one, so its outputs are assumed; deploy plans it again on the real ones.",
    );
  }
  for (const message of failureMessages(failures)) output.problem(`\n${message}`);
  if (reasons.length > 0) output.problem(`\nA deploy would refuse this plan. ${reasons.join("\n")}`);
  if (failures.length > 0 || reasons.length > 0) return;
  const total = addCounts(plans.map(({ changes }) => count(changes)));
  output.line(
    plans.some(hasChanges)
      ? `\nA deploy would do this: ${summaryText(total)}.`
      : "\nNo changes: the clouds are as the configuration says.",
  );
}

/** Secrets are sealed by the first deploy, so that a diff before it doesn't know them. */
function noteUnsealed(output: Output, { project, directory }: Workspace): void {
  const unsealed = project.github
    ? project.environments.filter(({ name }) => !existsSync(publishedFile(directory, name)))
    : [];
  if (unsealed.length === 0) return;
  output.line(
    `Not in this plan: the Actions secrets, deploy key and webhook of ${unsealed.map(({ name }) => name).join(" and ")}, which the first deploy makes.`,
  );
}

function exitCode({ plans, failures }: PlannedStacks, reasons: readonly string[]): number {
  if (failures.length > 0 || reasons.length > 0) return FAILED;
  return plans.some(hasChanges) ? CHANGES : NO_CHANGES;
}

function toJson({ plans, failures }: PlannedStacks, refused: readonly string[], code: number): unknown {
  return {
    exitCode: code,
    stacks: plans.map((plan) => ({
      name: plan.stack.name,
      changes: hasChanges(plan),
      assumed: plan.assumed,
      counts: count(plan.changes),
      resources: plan.changes.map(({ address, action, label }) => ({ address, action, label })),
    })),
    failures,
    refused,
  };
}
