import { parse } from "yaml";
import { VALUES_CONFIG_MAP, VALUES_KEY } from "../flux";
import type { StackPlan } from "../terraform";

/** What of the dynamic configuration is compared before a plan is applied. */
export interface PlannedValues {
  readonly resourceProfiles?: Readonly<
    Record<string, { readonly limits?: Readonly<Record<string, string>> }>
  >;
  readonly storage?: Readonly<Record<string, { readonly size?: string }>>;
  readonly applications?: Readonly<
    Record<string, { readonly storage?: { readonly class?: string; readonly size?: string } }>
  >;
  readonly cluster?: { readonly nodeCount?: number };
}

/** The dynamic configuration that is deployed and the one that a plan would write; undefined when it doesn't change. */
export function plannedValues({
  changes,
}: StackPlan): { before: PlannedValues; after: PlannedValues } | undefined {
  const change = changes.find(
    ({ type, label }) => type === "kubernetes_config_map_v1" && label === VALUES_CONFIG_MAP,
  );
  const values = change?.attributes.find(({ path }) => path.includes(VALUES_KEY));
  if (typeof values?.before !== "string" || typeof values.after !== "string") return undefined;
  return { before: read(values.before), after: read(values.after) };
}

/** Someone may have edited the deployed document by hand: what isn't YAML can't be compared. */
function read(document: string): PlannedValues {
  try {
    return (parse(document) ?? {}) as PlannedValues;
  } catch {
    return {};
  }
}
