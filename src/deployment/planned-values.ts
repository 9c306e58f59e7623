import { parse } from "yaml";
import { VALUES_CONFIG_MAP, VALUES_KEY } from "../flux";
import type { StackPlan } from "../terraform";

/** What of the dynamic configuration is compared before a plan is applied. */
export interface PlannedValues {
  readonly resourceProfiles?: Readonly<
    Record<string, { readonly limits?: Readonly<Record<string, string>> }>
  >;
  readonly storage?: Readonly<Record<string, { readonly size?: string; readonly storageClass?: string }>>;
  readonly applications?: Readonly<Record<string, { readonly storage?: PlannedVolume }>>;
  readonly cluster?: { readonly domain?: string; readonly nodeCount?: number };
}

/** The volume of an application in the dynamic configuration. */
export interface PlannedVolume {
  /** `fast` or `bulk`. */
  readonly class?: string;
  readonly size?: string;
  /** The name of the StorageClass in Kubernetes. */
  readonly storageClass?: string;
}

/** An application whose volume goes from `fast` to `bulk`, or back. */
export interface MovedApplication {
  readonly application: string;
  readonly before: PlannedVolume;
  readonly after: PlannedVolume;
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

/** The applications that a plan moves from one of the two storages to the other. */
export function movedApplications(plan: StackPlan): MovedApplication[] {
  const values = plannedValues(plan);
  return Object.entries(values?.before.applications ?? {}).flatMap(([application, { storage: before }]) => {
    const after = values?.after.applications?.[application]?.storage;
    const moves = before?.class !== undefined && after?.class !== undefined && before.class !== after.class;
    return moves ? [{ application, before, after }] : [];
  });
}

/** Someone may have edited the deployed document by hand: what isn't YAML can't be compared. */
function read(document: string): PlannedValues {
  try {
    return (parse(document) ?? {}) as PlannedValues;
  } catch {
    return {};
  }
}
