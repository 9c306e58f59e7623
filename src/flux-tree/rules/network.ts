import type { PlacedObject } from "../objects";
import type { Fields } from "../tree";
import { databasesIn, selects } from "../workloads";
import { OutcomeBuilder, type Rule } from "./rule";

const LEVEL = "pod-security.kubernetes.io/enforce";

/** Namespaces that come with the cluster or with Flux. */
const GIVEN = new Set(["default", "flux-system", "kube-system", "kube-public", "kube-node-lease"]);

/** Pods reach and are reached by what the tree says, and their namespace refuses what is not meant to be. */
export const network: Rule = {
  id: "network",
  title: "a default deny in every namespace, a policy for every pod, Pod Security labels",
  check({ workloads, objects, complete }) {
    const outcome = new OutcomeBuilder("network");
    const policies = objects.filter(({ object }) => object.kind === "NetworkPolicy");
    const namespaces = objects.filter(({ object }) => object.kind === "Namespace");
    for (const namespace of namespaces) checkNamespace(outcome, namespace, policies);
    for (const workload of workloads) {
      const ports = workload.containers.flatMap(({ spec }) => spec.ports ?? []);
      const serves = workload.longRunning && ports.length > 0;
      checkPod(outcome, workload, { labels: workload.podLabels, policies, serves });
    }
    for (const database of databasesIn(objects))
      checkPod(outcome, database, { labels: databaseLabels(database), policies, serves: true });
    if (complete) for (const placed of objects) checkOwnNamespace(outcome, placed, namespaces);
    return outcome;
  },
};

function checkNamespace(
  outcome: OutcomeBuilder,
  namespace: PlacedObject,
  policies: readonly PlacedObject[],
): void {
  const { name, labels = {} } = namespace.object.metadata ?? { name: "" };
  outcome.check(
    namespace,
    labels[LEVEL] !== undefined,
    "has no Pod Security label, so that it takes pods with every privilege",
    `add the label ${LEVEL}: restricted`,
  );
  if (labels[LEVEL] !== undefined) {
    outcome.checkUnlessReasoned(namespace, labels[LEVEL] === "restricted", {
      reason: "pod-security",
      problem: `takes pods of the Pod Security level ${labels[LEVEL]}`,
      fix: `set the label ${LEVEL} to restricted`,
    });
  }
  outcome.checkUnlessReasoned(
    namespace,
    policies.some(({ object }) => object.metadata?.namespace === name && deniesAll(object)),
    {
      reason: "network-policy",
      problem: "has no NetworkPolicy that denies what no other one allows",
      fix: "add flux/components/default-deny to the components of its kustomization",
    },
  );
}

function deniesAll({ spec = {} }: Fields): boolean {
  const types: readonly string[] = spec.policyTypes ?? [];
  const all = selects(spec.podSelector, {}) && Object.keys(spec.podSelector?.matchLabels ?? {}).length === 0;
  const opensNothing = !spec.ingress?.length && !spec.egress?.length;
  return all && opensNothing && types.includes("Ingress") && types.includes("Egress");
}

interface PodContext {
  readonly labels: Readonly<Record<string, string>>;
  readonly policies: readonly PlacedObject[];
  /** Whether it has ports for others. */
  readonly serves: boolean;
}

function checkPod(outcome: OutcomeBuilder, at: PlacedObject, { labels, policies, serves }: PodContext): void {
  const namespace = at.object.metadata?.namespace ?? "default";
  const own = policies.filter(
    ({ object }) => object.metadata?.namespace === namespace && selects(object.spec?.podSelector, labels),
  );
  for (const direction of ["Ingress", "Egress"]) {
    const what = direction === "Ingress" ? "who may reach its pods" : "what its pods may reach";
    outcome.checkUnlessReasoned(
      at,
      own.some(({ object }) => object.spec?.policyTypes?.includes(direction)),
      {
        reason: "network-policy",
        problem: `no NetworkPolicy says ${what}`,
        fix: `add flux/components/default-deny to the namespace ${namespace}, and a policy for what is needed`,
      },
    );
  }
  if (!serves) return;
  outcome.checkUnlessReasoned(
    at,
    own.some(({ object }) => object.spec?.ingress?.length > 0),
    {
      reason: "network-policy",
      problem: "its pods have ports, and no NetworkPolicy lets anyone reach them",
      fix: `add one in the namespace ${namespace} that selects ${labelText(labels)}`,
    },
  );
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}: ${value}`);
  return pairs.length > 0 ? pairs.join(", ") : "its pods (they have no labels yet)";
}

/** What the operator puts on a database's pods. */
function databaseLabels({ object }: PlacedObject): Record<string, string> {
  return {
    "cnpg.io/cluster": object.metadata?.name ?? "",
    "cnpg.io/podRole": "instance",
    ...object.spec?.inheritedMetadata?.labels,
  };
}

function checkOwnNamespace(
  outcome: OutcomeBuilder,
  placed: PlacedObject,
  namespaces: readonly PlacedObject[],
): void {
  const targets = [placed.object.metadata?.namespace, placed.object.spec?.targetNamespace];
  for (const namespace of targets) {
    if (typeof namespace !== "string" || GIVEN.has(namespace)) continue;
    outcome.check(
      placed,
      namespaces.some(({ object }) => object.metadata?.name === namespace),
      `is in the namespace ${namespace}, which nothing in the tree makes`,
      "add a Namespace, or correct the name",
    );
  }
}
