import { parseMi } from "../config/quantities";
import { environmentOf, type StackPlan } from "../terraform";
import type { Workspace } from "../workspace";
import { plannedValues } from "./planned-values";

/** A storage class that a plan would make smaller than what is deployed. */
export interface StorageShrink {
  readonly environment: string;
  readonly storage: string;
  readonly deployed: string;
  readonly planned: string;
}

/** The shrinks in some plans. Volumes only grow: a claim that asks for less is refused by Kubernetes, and Flux gets stuck on it. */
export function storageShrinks(plans: readonly StackPlan[]): StorageShrink[] {
  return plans.flatMap((plan) => {
    const values = plannedValues(plan);
    return Object.entries(values?.before.storage ?? {})
      .map(([storage, { size = "0" }]) => ({
        environment: environmentOf(plan.stack),
        storage,
        deployed: size,
        planned: values?.after.storage?.[storage]?.size ?? "0",
      }))
      .filter(({ deployed, planned }) => (parseMi(planned) ?? 0) < (parseMi(deployed) ?? 0));
  });
}

/** What to tell about shrinks: what would become smaller, why that can't be, and the line that keeps each size. */
export function explainShrinks(
  shrinks: readonly StorageShrink[],
  { project, configurationName }: Pick<Workspace, "project" | "configurationName">,
): string {
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
      `    To keep the size, add to environments[${index}] in ${configurationName}:  "storage": ${JSON.stringify(kept)}`,
    ];
  });
  return ["Volumes can grow and never shrink:", ...lines].join("\n");
}
