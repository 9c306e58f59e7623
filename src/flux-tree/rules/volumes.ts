import { hasVariable } from "../objects";
import { OutcomeBuilder, type Rule } from "./rule";

const PRUNE = "kustomize.toolkit.fluxcd.io/prune";

/** Sizes can grow, and data outlives the entry that made it. */
export const volumes: Rule = {
  id: "volumes",
  title: "volumes are claims of their own, kept when their entry goes",
  check({ objects }) {
    const outcome = new OutcomeBuilder("volumes");
    for (const placed of objects) {
      const { object, unsubstituted } = placed;
      if (object.kind === "StatefulSet") {
        const templates: readonly unknown[] = object.spec?.volumeClaimTemplates ?? [];
        const problem =
          "has volumeClaimTemplates, which can't be changed: a new size would stop Flux, or delete the StatefulSet";
        const fix = "write a PersistentVolumeClaim of its own and mount it";
        if (hasVariable(unsubstituted?.spec?.volumeClaimTemplates)) {
          outcome.check(placed, false, `${problem}; its size is even a variable`, fix);
        } else {
          outcome.checkUnlessReasoned(placed, templates.length === 0, { reason: "volumes", problem, fix });
        }
      }
      if (object.kind === "PersistentVolumeClaim") {
        const { annotations = {}, labels = {} } = object.metadata ?? {};
        const kept =
          annotations[PRUNE] === "disabled" ||
          labels[PRUNE] === "disabled" ||
          annotations["helm.sh/resource-policy"] === "keep";
        outcome.checkUnlessReasoned(placed, kept, {
          reason: "volumes",
          problem: "would be deleted with its data when its entry is removed or renamed",
          fix: `add the annotation ${PRUNE}: disabled`,
        });
      }
    }
    return outcome;
  },
};
