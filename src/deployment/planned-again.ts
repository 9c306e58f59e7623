import { listOf } from "../place";
import { hasChanges, outputsRead, readStackDocument, type StackPlan } from "../terraform";

/** A stack that a deploy plans a second time, since it reads outputs of another one that are going to change. */
export interface PlannedAgain {
  readonly stack: string;
  readonly after: string;
  /** Those that it reads and that change. */
  readonly outputs: readonly string[];
}

/**
 * What the plans of a project can't show yet: terraform reads the outputs of another stack from its state, so that a value which changes
 * there (the name of a cluster) comes into this plan only when that stack is applied. Plans on assumed outputs say so by themselves.
 */
export function plannedAgain(plans: readonly StackPlan[]): PlannedAgain[] {
  return plans
    .filter(({ assumed, destroy }) => assumed.length === 0 && !destroy)
    .flatMap(({ stack }) => {
      const source = JSON.stringify(readStackDocument(stack));
      return plans
        .filter((upstream) => stack.dependencies.includes(upstream.stack.name) && hasChanges(upstream))
        .map(({ stack: { name }, changedOutputs = [] }) => ({
          stack: stack.name,
          after: name,
          outputs: outputsRead(source, name).filter((output) => changedOutputs.includes(output)),
        }))
        .filter(({ outputs }) => outputs.length > 0);
    });
}

/** The same in words, a line for each stack whose outputs change; empty when every plan is the last one. */
export function explainPlannedAgain(again: readonly PlannedAgain[]): string[] {
  return [...new Set(again.map(({ after }) => after))].map((after) => {
    const stacks = again.filter((one) => one.after === after).map(({ stack }) => stack);
    const [them, make] = stacks.length === 1 ? ["it", "makes"] : ["them", "make"];
    const names = listOf(stacks);
    return `Not in this plan: what ${names} ${make} of the outputs of ${after} that change (a cluster's name, say). A deploy plans ${them} again after ${after}; what is new in that plan is shown, and has to be approved, then.`;
  });
}
