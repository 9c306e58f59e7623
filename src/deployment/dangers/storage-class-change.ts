import { environmentOf, type StackPlan } from "../../terraform";
import { movedApplications, plannedValues } from "../planned-values";
import { type Danger, endOf, environmentField, type Finding, isProduction } from "./danger";

const CONSEQUENCE =
  "A volume keeps its StorageClass for life: Kubernetes refuses the changed claim, and Flux gets stuck on everything that is applied with it.";

const ALLOWED =
  "it stays like that: no volume moves. Only new volumes (of databases that get another instance, say) have the new class.";

const moveOf = (production: boolean): string =>
  `For another class deploy a new environment with it beside this one, move the data, then ${endOf(production)}.`;

/**
 * Another StorageClass for volumes that are deployed, or an application that moves to the storage of another class. Of a
 * bound claim little but the size can change, by Kubernetes' validation of PersistentVolumeClaims (`spec is immutable after creation
 * except resources.requests and volumeAttributesClassName`).
 */
export const storageClassChange: Danger = ({ plans, workspace: { project, configurationName } }) =>
  plans.flatMap((plan) => {
    const environment = environmentOf(plan.stack);
    const move = moveOf(isProduction(project, environment));
    return [
      ...changedClasses(plan).map(({ storage, deployed, planned }): Finding => {
        const field = environmentField(project, environment, `storage.${storage}.storageClass`);
        return {
          kind: "storage-class-change",
          environment,
          field,
          problem: `${environment}: the volumes of storage.${storage} are of the StorageClass ${deployed}, and would be of ${planned}.`,
          consequence: CONSEQUENCE,
          remedy: `set ${field} in ${configurationName} to "${deployed}" again. ${move}`,
          allowed: ALLOWED,
        };
      }),
      ...movedApplications(plan)
        .filter(({ before, after }) => differ(before.storageClass, after.storageClass))
        .map(
          ({ application, before, after }): Finding => ({
            kind: "storage-class-change",
            environment,
            field: `applications.${application}.storage`,
            problem: `${environment}: the volume of ${application} is of the StorageClass ${before.storageClass}, and would be of ${after.storageClass}, since its storage goes from ${before.class} to ${after.class}.`,
            consequence: CONSEQUENCE,
            remedy: `set applications.${application}.storage in ${configurationName} to "${before.class}" again (or in ${environmentField(project, environment, "applications")}, where it may stand too). ${move}`,
            allowed: ALLOWED,
          }),
        ),
    ];
  });

function changedClasses(
  plan: StackPlan,
): Array<{ readonly storage: string; readonly deployed?: string; readonly planned?: string }> {
  const values = plannedValues(plan);
  return Object.entries(values?.before.storage ?? {})
    .map(([storage, { storageClass }]) => ({
      storage,
      deployed: storageClass,
      planned: values?.after.storage?.[storage]?.storageClass,
    }))
    .filter(({ deployed, planned }) => differ(deployed, planned));
}

/** What is not in the deployed document, since somebody edited it by hand, can't be compared. */
function differ(deployed: string | undefined, planned: string | undefined): boolean {
  return deployed !== undefined && planned !== undefined && deployed !== planned;
}
