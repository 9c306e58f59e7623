import { parse } from "yaml";
import { CONFIGURATION_FILE, type Project } from "../config";
import { parseMi } from "../config/quantities";
import { VALUES_CONFIG_MAP, VALUES_KEY } from "../flux";
import { environmentOf, type StackPlan } from "../terraform";

/** A storage class that a plan would make smaller than what is deployed. */
export interface StorageShrink {
  readonly environment: string;
  readonly storage: string;
  readonly deployed: string;
  readonly planned: string;
}

/** The shrinks in some plans. Volumes only grow: a claim that asks for less is refused by Kubernetes, and Flux gets stuck on it. */
export function storageShrinks(plans: readonly StackPlan[]): StorageShrink[] {
  return plans.flatMap(({ stack, changes }) => {
    const change = changes.find(
      ({ type, label }) => type === "kubernetes_config_map_v1" && label === VALUES_CONFIG_MAP,
    );
    const values = change?.attributes.find(({ path }) => path.includes(VALUES_KEY));
    if (typeof values?.before !== "string" || typeof values.after !== "string") return [];
    const [before, after] = [storageOf(values.before), storageOf(values.after)];
    return Object.entries(before)
      .map(([storage, deployed]) => ({
        environment: environmentOf(stack),
        storage,
        deployed,
        planned: after[storage] ?? "0",
      }))
      .filter(({ deployed, planned }) => (parseMi(planned) ?? 0) < (parseMi(deployed) ?? 0));
  });
}

/** What to tell about shrinks: what would become smaller, why that can't be, and the line that keeps each size. */
export function explainShrinks(shrinks: readonly StorageShrink[], project: Project): string {
  const environments = [...new Set(shrinks.map(({ environment }) => environment))];
  const lines = environments.flatMap((environment) => {
    const own = shrinks.filter((shrink) => shrink.environment === environment);
    const index = project.environments.findIndex(({ name }) => name === environment);
    const kept = Object.fromEntries(own.map(({ storage, deployed }) => [storage, { size: deployed }]));
    return [
      ...own.map(
        ({ storage, deployed, planned }) =>
          `  ${environment}: storage.${storage} would shrink from ${deployed} to ${planned}.`,
      ),
      `    To keep the size, add to environments[${index}] in ${CONFIGURATION_FILE}:  "storage": ${JSON.stringify(kept)}`,
    ];
  });
  return ["Volumes can grow and never shrink, so this plan is refused:", ...lines].join("\n");
}

function storageOf(document: string): Record<string, string> {
  const { storage = {} } = (parse(document) ?? {}) as { storage?: Record<string, { size?: string }> };
  return Object.fromEntries(Object.entries(storage).map(([name, { size }]) => [name, String(size)]));
}
