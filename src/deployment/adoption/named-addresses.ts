import { nearest } from "../../config";
import type { StackPlan } from "../../terraform";
import { isAdoptable } from "./cloud-objects";

/**
 * Refuses addresses of `--adopt` that no plan creates: a misspelt one would be passed over in silence, and the deploy would fail at the
 * very object that it was given for.
 * @throws Error that names each of them, and the addresses that there are
 */
export function requireAdoptable(addresses: readonly string[], plans: readonly StackPlan[]): void {
  const possible = [...new Set(plans.flatMap(adoptableIn))];
  const unknown = addresses.filter((address) => !possible.includes(address));
  if (unknown.length === 0) return;
  throw new Error(
    [
      ...unknown.map((address) => `--adopt ${address}: ${explain(address, possible)}`),
      "Nothing was changed.",
    ].join("\n"),
  );
}

/** What a plan creates and what could be there already, replacements that are made before the old one goes included. */
function adoptableIn({ changes }: StackPlan): string[] {
  return changes
    .filter(
      ({ type, action, createFirst }) =>
        isAdoptable(type) && (action === "create" || (action === "replace" && createFirst)),
    )
    .map(({ address }) => address);
}

function explain(address: string, possible: readonly string[]): string {
  if (possible.length === 0)
    return "this deploy creates nothing that could be imported. Leave --adopt out: what is in the state already is managed.";
  const near = nearest(address, possible);
  return `this deploy creates nothing of that address that could be imported, expected ${
    near.length > 0 ? `${near.join(" or ")} (nearest of ${possible.length})` : possible.join(", ")
  }`;
}
