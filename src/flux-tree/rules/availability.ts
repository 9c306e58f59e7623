import { replicasOf } from "../capacity";
import { workloadsOfChart } from "../chart-workloads";
import { type PlacedObject, valueAt } from "../objects";
import { databasesIn, selects, type Workload } from "../workloads";
import { OutcomeBuilder, type Rule } from "./rule";

const HOST = "kubernetes.io/hostname";

/** Losing or draining a node takes away one replica, and a single replica never keeps a node from being drained. */
export const availability: Rule = {
  id: "availability",
  title: "disruption budgets and spread for everything with more than one replica",
  check({ workloads, objects, foreignReleases }) {
    const outcome = new OutcomeBuilder("availability");
    const budgets = objects.filter(({ object }) => object.kind === "PodDisruptionBudget");
    for (const workload of workloads) {
      if (!workload.longRunning || workload.object.kind === "DaemonSet") continue;
      const own = budgets.filter(
        ({ object }) =>
          object.metadata?.namespace === workload.object.metadata?.namespace &&
          selects(object.spec?.selector, workload.podLabels),
      );
      if (Math.max(workload.replicas, workload.maxReplicas ?? 0) > 1) checkReplicated(outcome, workload, own);
      for (const budget of own) checkBudget(outcome, budget, workload);
    }
    for (const database of databasesIn(objects)) checkDatabase(outcome, database);
    for (const release of foreignReleases) checkRelease(outcome, release);
    return outcome;
  },
};

function checkReplicated(
  outcome: OutcomeBuilder,
  workload: Workload,
  budgets: readonly PlacedObject[],
): void {
  outcome.checkUnlessReasoned(workload, budgets.length > 0, {
    reason: "disruption-budget",
    problem: `has ${count(workload)} replicas and no PodDisruptionBudget, so that draining nodes may end all at once`,
    fix: "add one that selects its pods, with maxUnavailable: 1",
  });
  outcome.check(
    workload,
    budgets.length <= 1,
    `${budgets.length} PodDisruptionBudgets select its pods, so that Kubernetes evicts none of them`,
    "keep one",
  );
  const constraints: ReadonlyArray<{ topologyKey?: string; labelSelector?: unknown }> =
    workload.pod.topologySpreadConstraints ?? [];
  const spread = constraints.filter(({ topologyKey }) => topologyKey === HOST);
  outcome.checkUnlessReasoned(workload, spread.length > 0, {
    reason: "topology-spread",
    problem: `has ${count(workload)} replicas, and nothing spreads them over the nodes`,
    fix: `add topologySpreadConstraints with topologyKey: ${HOST}`,
  });
  for (const { labelSelector } of spread) {
    outcome.check(
      workload,
      selects(labelSelector, workload.podLabels),
      "its topologySpreadConstraints don't select its own pods, so that they do nothing",
      "write the labels of its pods into labelSelector",
    );
  }
}

function count({ replicas, maxReplicas }: Workload): string {
  return maxReplicas !== undefined && maxReplicas > replicas
    ? `${replicas} to ${maxReplicas}`
    : String(replicas);
}

function checkBudget(outcome: OutcomeBuilder, budget: PlacedObject, { replicas, object }: Workload): void {
  const { minAvailable, maxUnavailable } = budget.object.spec ?? {};
  const stuck =
    maxUnavailable === 0 ||
    maxUnavailable === "0%" ||
    minAvailable === "100%" ||
    (typeof minAvailable === "number" && minAvailable >= replicas);
  outcome.check(
    budget,
    !stuck,
    `never lets a pod of ${object.kind} ${object.metadata?.name} (replicas: ${replicas}) be evicted, so that its node can't be drained or upgraded`,
    "write maxUnavailable: 1 instead",
  );
}

/** The operator makes the budget and spreads the instances, unless it is told not to. */
function checkDatabase(outcome: OutcomeBuilder, database: PlacedObject): void {
  const { instances = 1, enablePDB = true, affinity = {} } = database.object.spec ?? {};
  if (instances > 1) {
    outcome.checkUnlessReasoned(database, enablePDB === true, {
      reason: "disruption-budget",
      problem: `has ${instances} instances and no disruption budget`,
      fix: "leave enablePDB out",
    });
    const { enablePodAntiAffinity = true, topologyKey = HOST } = affinity;
    outcome.checkUnlessReasoned(database, enablePodAntiAffinity === true && topologyKey === HOST, {
      reason: "topology-spread",
      problem: `has ${instances} instances, and nothing spreads them over the nodes`,
      fix: `set affinity.enablePodAntiAffinity: true with topologyKey: ${HOST}`,
    });
  } else {
    outcome.check(
      database,
      enablePDB === false,
      "has one instance with a disruption budget, so that its node can't be drained or upgraded",
      "set enablePDB: false",
    );
  }
}

/** The third-party charts make both by themselves, once their values ask for it. */
function checkRelease(outcome: OutcomeBuilder, release: PlacedObject): void {
  const { chart, values } = release.object.spec ?? {};
  for (const workload of workloadsOfChart(chart?.spec?.chart, values) ?? []) {
    const replicas = replicasOf(workload, values);
    if (workload.kind === "DaemonSet" || replicas <= 1) continue;
    const { disruptionBudget = "", topologySpread = "" } = workload;
    const budget = valueAt(values, disruptionBudget);
    outcome.checkUnlessReasoned(release, budget !== undefined && budget !== false, {
      reason: "disruption-budget",
      problem: `${workload.name} has ${replicas} replicas and no disruption budget, so that draining nodes may end all at once`,
      fix: `set values.${disruptionBudget || "… (say in src/flux-tree/chart-workloads.ts which)"}`,
    });
    const spread = valueAt(values, topologySpread);
    outcome.checkUnlessReasoned(release, JSON.stringify(spread ?? "").includes(HOST), {
      reason: "topology-spread",
      problem: `${workload.name} has ${replicas} replicas, and nothing spreads them over the nodes`,
      fix: `set values.${topologySpread || "… (say in src/flux-tree/chart-workloads.ts which)"} with topologyKey: ${HOST}`,
    });
  }
}
