import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { checkoutStanding, describeStanding, type Standing } from "../deployment/checkout-standing";
import { INTERRUPTED_EXIT_CODE, orInterrupted, watchInterruption } from "../deployment/interruption";
import { withoutChanges } from "../deployment/kubernetes-version";
import { refuseLost } from "../deployment/lost-states";
import { failureMessages, type PlannedStacks, planAll } from "../deployment/plan-all";
import { explainPlannedAgain, plannedAgain } from "../deployment/planned-again";
import { explainSealing, sealedNames, synthesizeSealed } from "../deployment/sealing";
import { selectStacks } from "../deployment/selection";
import { Output } from "../terminal/output";
import { planComment } from "../terminal/plan-comment";
import { reportPlans } from "../terminal/plan-report";
import { addCounts, count, showPlans, summaryTable, summaryText } from "../terminal/plan-view";
import { hasChanges } from "../terraform";
import { configurationNotes, openWorkspace } from "../workspace";
import { DangerGate } from "./danger-gate";
import { type CommonOptions, command, sandboxName } from "./options";

interface DiffOptions extends CommonOptions {
  readonly markdown?: string;
  readonly report?: string;
}

/** Exit codes of `npm run diff`, as `terraform plan -detailed-exitcode` has them. */
const NO_CHANGES = 0;
const FAILED = 1;
const CHANGES = 2;

export function diffCommand(): Command {
  return command(
    "diff",
    "Show what a deploy would change, in all stacks at once (exit code 0: nothing, 2: something, 1: an error, or a deploy would refuse it)",
    ["selection", "sandbox", "allow", "json"],
  )
    .option("--markdown <file>", "write the plans as Markdown too, for a comment on a pull request")
    .option("--report <file>", "write the plans as JSON too, for `npm run ci-comment`")
    .action(async (options: DiffOptions) => {
      const output = new Output(options.json ?? false);
      const workspace = await openWorkspace({ command: "diff", sandbox: sandboxName(options) });
      const interruption = watchInterruption(output);
      try {
        const [{ all, sealing }, standing] = await orInterrupted(
          interruption,
          Promise.all([synthesizeSealed(workspace, options, false), checkoutStanding(workspace)]),
        );
        const selected = selectStacks(all, { environments: options.environment, stacks: options.stack });
        await refuseLost(workspace, all, { selected, output });
        const planned = await planAll({ workspace, all, selected, output, stopped: interruption.reason });
        const { environment, stack, allow } = options;
        const permission = { environment, stack, allow };
        const stopped = interruption.reason;
        const gate = await DangerGate.open({
          workspace,
          output,
          stopped,
          all,
          selected,
          ...planned,
          permission,
        });
        show(output, planned, gate);
        for (const line of explainSealing(workspace, sealing)) output.line(line);
        noteStanding(output, standing, planned.plans.some(hasChanges));
        const notes = configurationNotes(workspace);
        for (const note of notes) output.problem(`Note: ${note}`);
        const report = reportPlans({
          ...planned,
          refusal: gate.explanation("A deploy would refuse this plan"),
          refusals: gate.refusals,
          notes: [...explainSealing(workspace, sealing), ...notes],
        });
        if (options.markdown) writeFileSync(options.markdown, planComment([{ report }]));
        if (options.report) writeFileSync(options.report, JSON.stringify(report));
        process.exitCode = interruption.reason() ? INTERRUPTED_EXIT_CODE : exitCode(planned, gate, standing);
        output.result({
          ...toJson(planned, gate, Number(process.exitCode)),
          sealed: sealedNames(sealing),
          checkout: standing,
          notes,
        });
      } finally {
        interruption.end();
        await workspace.close();
      }
    });
}

function show(output: Output, { plans, failures }: PlannedStacks, gate: DangerGate): void {
  showPlans(output, plans);
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
      "\nassumed: the stack builds on outputs that don't exist yet, such as the id of a new cluster. This plan has stand-ins for them; deploy plans it again with the real ones.",
    );
  }
  for (const line of explainPlannedAgain(plannedAgain(plans))) output.line(`\n${line}`);
  for (const message of failureMessages(failures)) output.problem(`\n${message}`);
  if (gate.refusals.length > 0) output.problem(`\n${gate.explanation("A deploy would refuse this plan")}`);
  if (failures.length > 0 || gate.refusals.length > 0) return;
  const total = addCounts(plans.map(({ changes }) => count(changes)));
  output.line(
    plans.some(hasChanges)
      ? `\nA deploy would do this: ${summaryText(total)}.`
      : `\nNo changes: ${withoutChanges(plans)}`,
  );
}

/** What the plan was made from is not what others have deployed, or is nothing that Flux can read. */
function noteStanding(output: Output, standing: Standing, changes: boolean): void {
  const text = describeStanding(standing);
  if (text === undefined) return;
  if (standing.state === "subfolder") output.problem(`\nA deploy would be refused. ${text}`);
  else if (standing.state === "behind" && standing.matters && changes)
    output.problem(`\n${text} The plan above would take back what others have deployed since.`);
  else if (standing.state === "unknown" && standing.matters && changes)
    output.problem(`\n${text} The plan above could take back what others have deployed.`);
  else output.line(`\nNote: ${text}`);
}

function exitCode({ plans, failures }: PlannedStacks, { refusals }: DangerGate, standing: Standing): number {
  if (failures.length > 0 || refusals.length > 0 || standing.state === "subfolder") return FAILED;
  return plans.some(hasChanges) ? CHANGES : NO_CHANGES;
}

function toJson({ plans, failures }: PlannedStacks, { refusals }: DangerGate, code: number): object {
  return {
    exitCode: code,
    stacks: plans.map((plan) => ({
      name: plan.stack.name,
      changes: hasChanges(plan),
      assumed: plan.assumed,
      counts: count(plan.changes),
      ...(plan.notes ? { notes: plan.notes } : {}),
      resources: plan.changes.map(({ address, action, label }) => ({ address, action, label })),
    })),
    plannedAgain: plannedAgain(plans),
    failures,
    refused: refusals,
  };
}
