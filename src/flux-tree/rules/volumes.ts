import { hasVariable, type PlacedObject } from "../objects";
import type { Manifest } from "../tree";
import { type Workload, workloadsIn } from "../workloads";
import { OutcomeBuilder, type Rule } from "./rule";

const PRUNE = "kustomize.toolkit.fluxcd.io/prune";

/** Sizes can grow, and data outlives the entry that made it. */
export const volumes: Rule = {
  id: "volumes",
  title: "volumes are claims of their own, kept when their entry goes",
  check({ objects }) {
    const outcome = new OutcomeBuilder("volumes");
    const dataIn = new Set(
      objects
        .filter(({ object }) => object.kind === "PersistentVolumeClaim")
        .map(({ object }) => object.metadata?.namespace),
    );
    for (const workload of workloadsIn(objects)) {
      const claim = claimOfOneNode(workload, objects);
      outcome.checkUnlessReasoned(workload, workload.replicas < 2 || claim === undefined, {
        reason: "volumes",
        problem: `has ${workload.replicas} pods on the claim ${claim}, which one node at a time can mount (ReadWriteOnce)`,
        fix: "run one replica, or give each its own volume",
      });
    }
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
      if (object.kind === "Namespace" && dataIn.has(object.metadata?.name)) {
        outcome.checkUnlessReasoned(placed, isKept(object), {
          reason: "volumes",
          problem: "would be deleted with the volumes in it when its entry is removed or renamed",
          fix: `add the annotation ${PRUNE}: disabled`,
        });
      }
      if (object.kind === "PersistentVolumeClaim") {
        outcome.checkUnlessReasoned(placed, isKept(object), {
          reason: "volumes",
          problem: "would be deleted with its data when its entry is removed or renamed",
          fix: `add the annotation ${PRUNE}: disabled`,
        });
      }
    }
    return outcome;
  },
};

/** Whether an object outlives its entry in the tree. */
function isKept({ metadata }: Manifest): boolean {
  const { annotations = {}, labels = {} } = metadata ?? {};
  return (
    annotations[PRUNE] === "disabled" ||
    labels[PRUNE] === "disabled" ||
    annotations["helm.sh/resource-policy"] === "keep"
  );
}

/** The first claim of a workload's pods that only one node at a time can mount. */
function claimOfOneNode({ pod, namespace }: Workload, objects: readonly PlacedObject[]): string | undefined {
  const volumes: ReadonlyArray<{ persistentVolumeClaim?: { claimName?: string } }> = pod.volumes ?? [];
  const names = volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
  return names.find((name) =>
    objects.some(
      ({ object: { kind, metadata, spec } }) =>
        kind === "PersistentVolumeClaim" &&
        metadata?.namespace === namespace &&
        metadata.name === name &&
        !(spec?.accessModes ?? []).some((mode: string) => mode.endsWith("Many")),
    ),
  );
}
