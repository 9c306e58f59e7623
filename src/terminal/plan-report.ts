import { stripVTControlCharacters } from "node:util";
import { z } from "zod";
import { hasChanges, type ResourceChange, type StackPlan } from "../terraform";
import { addCounts, count, planLines, summaryText } from "./plan-view";

/** The plans of an environment in parts, so that a comment with little room can keep those that matter. Plain text, without secrets. */
export const planReport = z.object({
  summary: z.string(),
  /** Why a deploy would refuse the plans, in whole. */
  refusal: z.string(),
  /** The same in a line each. */
  refusals: z.array(z.string()),
  failures: z.array(z.object({ stack: z.string(), message: z.string() })),
  /** What is destroyed or replaced, a line each. */
  destroyed: z.array(z.string()),
  /** What a reader has to know besides. */
  notes: z.array(z.string()),
  stacks: z.array(
    z.object({
      name: z.string(),
      assumed: z.boolean(),
      counts: z.object({
        created: z.number(),
        changed: z.number(),
        replaced: z.number(),
        destroyed: z.number(),
      }),
      /** Absent where nothing changes. */
      details: z.string().optional(),
    }),
  ),
});
export type PlanReport = Readonly<z.output<typeof planReport>>;

export interface ReportedPlans {
  readonly plans: readonly StackPlan[];
  readonly failures: ReadonlyArray<{ readonly stack: string; readonly message: string }>;
  readonly refusal?: string;
  readonly refusals?: ReadonlyArray<{
    readonly kind?: string;
    readonly field?: string;
    readonly problem: string;
  }>;
  readonly notes?: readonly string[];
}

/** Puts plans, and why they failed or would be refused, into a report. */
export function reportPlans({
  plans,
  failures,
  refusal = "",
  refusals = [],
  notes = [],
}: ReportedPlans): PlanReport {
  const plain = stripVTControlCharacters;
  const total = addCounts(plans.map(({ changes }) => count(changes)));
  return {
    summary:
      failures.length > 0
        ? "Plan failed"
        : `Plan: ${plans.some(hasChanges) ? plain(summaryText(total)) : "no changes"}`,
    refusal: plain(refusal),
    refusals: refusals.map(({ kind, field, problem }) =>
      plain(`${field ? `${field}: ` : ""}${problem}${kind ? ` [${kind}]` : ""}`),
    ),
    failures: failures.map(({ stack, message }) => ({ stack, message: plain(message) })),
    destroyed: plans.flatMap(({ changes }) =>
      changes.filter(isLoss).map((change) => plain(lossLine(change))),
    ),
    notes: [...plans.flatMap((plan) => plan.notes ?? []), ...notes].map((note) => plain(note)),
    stacks: plans.map((plan) => ({
      name: plan.stack.name,
      assumed: plan.assumed.length > 0,
      counts: count(plan.changes),
      ...(hasChanges(plan) ? { details: plain(planLines(plan).join("\n")) } : {}),
    })),
  };
}

const isLoss = ({ action }: ResourceChange): boolean => action === "destroy" || action === "replace";

function lossLine({ action, address, label }: ResourceChange): string {
  return `${action === "destroy" ? "destroyed" : "replaced"}: ${address}${label ? ` (${label})` : ""}`;
}
