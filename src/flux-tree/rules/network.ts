import type { PlacedObject } from "../objects";
import type { Fields } from "../tree";
import { databaseLabels, databasesIn, selects, type Workload } from "../workloads";
import type { RuleContext } from "./context";
import { releasesInto } from "./foreign-objects";
import { OutcomeBuilder, type Rule } from "./rule";

const LEVEL = "pod-security.kubernetes.io/enforce";

/** Namespaces that come with the cluster or with Flux. */
const GIVEN = new Set(["default", "flux-system", "kube-system", "kube-public", "kube-node-lease"]);

/** Pods reach and are reached by what the tree says, and their namespace refuses what is not meant to be. */
export const network: Rule = {
  id: "network",
  title: "a default deny in every namespace, a policy for every pod, Pod Security labels",
  check(context) {
    const { workloads, objects, complete } = context;
    const outcome = new OutcomeBuilder("network");
    const policies = objects.filter(({ object }) => object.kind === "NetworkPolicy");
    const namespaces = objects.filter(({ object }) => object.kind === "Namespace");
    for (const namespace of namespaces) checkNamespace(outcome, namespace, policies);
    for (const workload of workloads) {
      const ports = workload.containers.flatMap(({ spec }) => spec.ports ?? []);
      const serves = workload.longRunning && ports.length > 0;
      checkPod(outcome, workload, { labels: workload.podLabels, policies, serves });
      checkDns(outcome, workload, policies);
    }
    for (const database of databasesIn(objects))
      checkPod(outcome, database, { labels: databaseLabels(database), policies, serves: true });
    if (complete) for (const policy of policies) checkPolicyPorts(outcome, context, policy);
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

/** Pods that reach others find them by their names. */
function checkDns(outcome: OutcomeBuilder, workload: Workload, policies: readonly PlacedObject[]): void {
  const rules: Fields[] = policies
    .filter(
      ({ object }) =>
        object.metadata?.namespace === workload.namespace &&
        selects(object.spec?.podSelector, workload.podLabels),
    )
    .flatMap(({ object }) => object.spec?.egress ?? []);
  if (rules.length === 0) return;
  const missing = ["UDP", "TCP"].filter((protocol) => !rules.some((rule) => allowsDns(rule, protocol)));
  outcome.checkUnlessReasoned(workload, missing.length === 0, {
    reason: "network-policy",
    problem: `its pods may reach others and not ask DNS for their names (port 53 over ${missing.join(" and ")})`,
    fix: "allow port 53 over UDP and TCP to the namespace kube-system in a NetworkPolicy that selects them",
  });
}

/** CoreDNS runs in kube-system; a peer without a namespace is in the pod's own. */
function allowsDns({ to = [], ports = [] }: Fields, protocol: string): boolean {
  const reaches = to.some(
    ({ namespaceSelector, ipBlock }: Fields) =>
      ipBlock !== undefined || selects(namespaceSelector, { "kubernetes.io/metadata.name": "kube-system" }),
  );
  if (to.length > 0 && !reaches) return false;
  return (
    ports.length === 0 ||
    ports.some(
      ({ protocol: one = "TCP", port, endPort = port }: Fields) =>
        one === protocol &&
        (port === undefined || port === "dns" || (Number(port) <= 53 && 53 <= Number(endPort))),
    )
  );
}

/** A policy opens ports that its pods have. Those of pods that aren't here are not known. */
function checkPolicyPorts(
  outcome: OutcomeBuilder,
  { workloads, objects, foreignReleases }: RuleContext,
  policy: PlacedObject,
): void {
  const { namespace } = policy.object.metadata ?? {};
  const { podSelector, ingress = [] } = policy.object.spec ?? {};
  const pods = workloads.filter((one) => one.namespace === namespace && selects(podSelector, one.podLabels));
  const others =
    databasesIn(objects).some(
      (one) => one.object.metadata?.namespace === namespace && selects(podSelector, databaseLabels(one)),
    ) ||
    (selects(podSelector, {}) && foreignReleases.some(releasesInto(namespace)));
  if (pods.length === 0 || others) return;
  const known: Fields[] = pods.flatMap(({ containers }) =>
    containers.flatMap(({ spec }) => spec.ports ?? []),
  );
  for (const { port, endPort = port, protocol = "TCP" } of ingress.flatMap(
    (rule: Fields) => rule.ports ?? [],
  )) {
    if (port === undefined) continue;
    const found = known.some(
      (one) =>
        (one.protocol ?? "TCP") === protocol &&
        (typeof port === "number"
          ? port <= one.containerPort && one.containerPort <= endPort
          : one.name === port),
    );
    outcome.checkUnlessReasoned(policy, found, {
      reason: "network-policy",
      problem: `opens the port ${port} (${protocol}), which no container of the pods that it selects has`,
      fix: "name a port of a container (not that of a Service)",
    });
  }
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}: ${value}`);
  return pairs.length > 0 ? pairs.join(", ") : "its pods (they have no labels yet)";
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
