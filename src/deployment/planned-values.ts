import { parse } from "yaml";
import { VALUES_CONFIG_MAP, VALUES_KEY } from "../flux";
import type { AttributeChange, StackPlan } from "../terraform";

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

/**
 * The dynamic configuration that is deployed and the one that a plan would write; undefined when it doesn't change. Where somebody
 * deleted the ConfigMap, or left something in it that is no YAML, the one that was deployed last counts: the volumes are still its.
 */
export function plannedValues({
  changes,
}: StackPlan): { before: PlannedValues; after: PlannedValues } | undefined {
  const change = changes.find(
    ({ type, label }) => type === "kubernetes_config_map_v1" && label === VALUES_CONFIG_MAP,
  );
  for (const attributes of [change?.attributes ?? [], change?.sinceDeployed ?? []]) {
    const [before, after] = documents(attributes);
    if (before && after) return { before, after };
  }
  return undefined;
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

/** Before and after. In an object that was deleted they stand in its data, or its data in it. */
function documents(attributes: readonly AttributeChange[]): [PlannedValues?, PlannedValues?] {
  const found = attributes.find(({ path }) => path.includes(VALUES_KEY));
  return [read(found?.before), read(found?.after)];
}

/** Someone may have edited the deployed document by hand: what is no mapping in YAML can't be compared. */
function read(document: unknown): PlannedValues | undefined {
  try {
    const values: unknown = typeof document === "string" ? parse(document) : undefined;
    return typeof values === "object" && values !== null ? values : undefined;
  } catch {
    return undefined;
  }
}
