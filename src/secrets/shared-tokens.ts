import { secretVariables } from "./secret-variables";
import { PLANNED_WITH, variableFor } from "./tokens";

/** A variable of plans, and the variables of other secrets that have the same value. */
export interface SharedToken {
  readonly plan: string;
  readonly others: readonly string[];
}

/** Other names under which a provider takes a token of the deployment. */
const ALIASES = ["DIGITALOCEAN_ACCESS_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/**
 * The variables that plans of some environments get, as far as they have the value of any other secret, of these environments or others:
 * a deploy's token, or one that an application gets. Blanks around a value make no difference. Nothing returned holds a value.
 */
export function sharedWithPlans(
  environments: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): SharedToken[] {
  const plans = environments.flatMap((environment) =>
    Object.keys(PLANNED_WITH).flatMap((plan) => variableFor(plan, environment, variables) ?? []),
  );
  const secrets = [...secretVariables(), ...ALIASES].filter((name) => !isOfPlan(name));
  const others = Object.keys(variables).filter((name) => !isOfPlan(name) && isOneOf(name, secrets));
  const trimmed = (name: string): string => (variables[name] ?? "").trim();
  return [...new Set(plans)].flatMap((plan) => {
    const value = trimmed(plan);
    const same = others.filter((other) => value !== "" && trimmed(other) === value);
    return same.length === 0 ? [] : [{ plan, others: same }];
  });
}

const isOfPlan = (name: string): boolean => isOneOf(name, Object.keys(PLANNED_WITH));

/** Whether a variable has one of these names, alone or with an environment in front. */
const isOneOf = (name: string, names: readonly string[]): boolean =>
  names.some((one) => name === one || name.endsWith(`_${one}`));
