import type { Project } from "../../config";
import { parseMi } from "../../config/quantities";
import { storageFor } from "../../config/resource-profiles";
import { environmentOf, type StackPlan } from "../../terraform";
import { movedApplications, plannedValues } from "../planned-values";
import { type Danger, environmentField, type Finding } from "./danger";

const CONSEQUENCE =
  "Volumes can grow and never shrink: Kubernetes refuses the smaller claim, and Flux gets stuck on it.";

/** A storage class, or the volume of an application that moves to another class, that would be smaller than what is deployed. */
export const storageShrink: Danger = ({ plans, workspace: { project, configurationName } }) =>
  plans.flatMap((plan) => {
    const environment = environmentOf(plan.stack);
    const classes = shrunkClasses(plan);
    const kept = Object.fromEntries(classes.map(({ storage, deployed }) => [storage, { size: deployed }]));
    return [
      ...classes.map(({ storage, deployed, planned }): Finding => {
        const field = environmentField(project, environment, `storage.${storage}.size`);
        return {
          kind: "storage-shrink",
          environment,
          field,
          problem: `${environment}: storage.${storage} would shrink from ${deployed} to ${planned}.`,
          consequence: CONSEQUENCE,
          remedy: isOwnSize(project, environment, storage, planned)
            ? `set ${field} in ${configurationName} to "${deployed}" again.`
            : `to keep the size, set ${field} in ${configurationName} to "${deployed}" (as a whole, where ${environmentField(project, environment)} has no "storage" yet:  "storage": ${JSON.stringify(kept)} )`,
        };
      }),
      // Their volumes can neither shrink nor be replaced by smaller ones.
      ...movedApplications(plan)
        .filter(({ before, after }) => mi(after.size) < mi(before.size))
        .map(
          ({ application, before, after }): Finding => ({
            kind: "storage-shrink",
            environment,
            field: `applications.${application}.storage`,
            problem: `${environment}: the volume of ${application} would shrink from ${before.size} to ${after.size}, since its storage goes from ${before.class} to ${after.class}.`,
            consequence: CONSEQUENCE,
            remedy: `set applications.${application}.storage in ${configurationName} to "${before.class}" again (or in ${environmentField(project, environment, "applications")}, where it may stand too).`,
          }),
        ),
    ];
  });

/** Whether a size stands in the configuration: it is not the one that follows from the nodes. */
function isOwnSize({ environments }: Project, environment: string, storage: string, size: string): boolean {
  const node = environments.find(({ name }) => name === environment)?.cluster.node;
  return (
    node !== undefined &&
    Object.entries(storageFor(node)).some(([name, derived]) => name === storage && derived.size !== size)
  );
}

interface ShrunkClass {
  readonly storage: string;
  readonly deployed: string;
  readonly planned: string;
}

function shrunkClasses(plan: StackPlan): ShrunkClass[] {
  const values = plannedValues(plan);
  return Object.entries(values?.before.storage ?? {})
    .map(([storage, { size = "0" }]) => ({
      storage,
      deployed: size,
      planned: values?.after.storage?.[storage]?.size ?? "0",
    }))
    .filter(({ deployed, planned }) => mi(planned) < mi(deployed));
}

const mi = (size = "0"): number => parseMi(size) ?? 0;
