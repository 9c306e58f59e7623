import type { PlanReport } from "../../src/terminal/plan-report";

/** The report of plans in which nothing happens. */
export function emptyReport(summary = "Plan: no changes"): PlanReport {
  return { summary, refusal: "", refusals: [], failures: [], destroyed: [], notes: [], stacks: [] };
}
