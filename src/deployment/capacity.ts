import { parseCpu, parseMi } from "../config/quantities";
import { environmentOf, type StackPlan } from "../terraform";
import { plannedValues } from "./planned-values";
import { shrinksPool } from "./workload-pool";

/**
 * The environments in which some plans take capacity away. There the applications have to shrink before their nodes do, else
 * pods of the old size find no place; where capacity grows the nodes come first, for the same reason.
 */
export function shrinkingEnvironments(plans: readonly StackPlan[]): string[] {
  return plans
    .filter((plan) => plan.assumed.length === 0 && (takesCapacity(plan) || shrinksPool(plan)))
    .map(({ stack }) => environmentOf(stack));
}

function takesCapacity(plan: StackPlan): boolean {
  const values = plannedValues(plan);
  if (!values) return false;
  const { before, after } = values;
  const fewerNodes = (after.cluster?.nodeCount ?? 0) < (before.cluster?.nodeCount ?? 0);
  return (
    fewerNodes ||
    Object.entries(before.resourceProfiles ?? {}).some(([name, { limits = {} }]) => {
      const planned = after.resourceProfiles?.[name]?.limits ?? {};
      return less(parseCpu, planned.cpu, limits.cpu) || less(parseMi, planned.memory, limits.memory);
    })
  );
}

function less(parse: (quantity: string) => number | undefined, planned = "", deployed = ""): boolean {
  return (parse(planned) ?? Number.POSITIVE_INFINITY) < (parse(deployed) ?? 0);
}
