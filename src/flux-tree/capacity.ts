import { type Environment, mostNodes, type NodePool } from "../config";
import { type Amount, amountOf, amountOfPod, minus, most, pack, plus, sum, times } from "../config/amounts";
import { allocatable, type NodeSize } from "../config/node-sizes";
import { type ChartWorkload, workloadsOfChart } from "./chart-workloads";
import { type PlacedObject, valueAt } from "./objects";
import { type Container, databasesIn, type Workload } from "./workloads";

/** DigitalOcean's block storage takes so many volumes on a Droplet. */
export const VOLUMES_PER_NODE = 7;

/**
 * What DigitalOcean's own pods (cilium, do-node-agent, kube-proxy) are taken to ask for on each node, in millicores and Mi. An
 * estimate on the safe side: DigitalOcean publishes no figures, `kubectl describe node` shows those of a cluster.
 */
export const SYSTEM_PODS: Amount = { cpu: 402, memory: 505 };

/** Pods of one kind, as the scheduler sees them. */
export interface Pods {
  readonly system: string;
  readonly place: string;
  readonly name: string;
  /** How many at least. */
  readonly count: number;
  /** How many at most, where an autoscaler decides. */
  readonly maxCount: number;
  /** One on each node. */
  readonly daemon: boolean;
  /** Run for a while only, so that not all of them run at once. */
  readonly transient: boolean;
  /** Of one pod. */
  readonly requests: Amount;
  readonly limits: Amount;
}

export interface SystemDemand {
  readonly requests: Amount;
  readonly limits: Amount;
  readonly pods: number;
  readonly volumes: number;
}

/** What an environment's pods need, and what its nodes have. */
export interface Capacity {
  readonly nodeSize: string;
  /** Nodes of the workload pool: its maximum where it scales by itself. */
  readonly nodes: number;
  /** What applications can use of a node of the workload pool. */
  readonly perNode: Amount;
  /** The same of the largest node that any pod may run on. */
  readonly largestNode: Amount;
  /** Nodes of the workload pool that all pods fit on; undefined when a pod fits no node at all. */
  readonly needed: number | undefined;
  /** The same with every autoscaler at its maximum, for information. */
  readonly neededAtMost: number | undefined;
  /** With each autoscaler at its minimum. */
  readonly requests: Amount;
  readonly limits: Amount;
  /** What the requests exceed the nodes by. */
  readonly short: Amount;
  readonly volumes: number;
  readonly systems: Readonly<Record<string, SystemDemand>>;
  readonly pods: readonly Pods[];
}

interface Demanding {
  readonly environment: Environment;
  readonly objects: readonly PlacedObject[];
  readonly workloads: readonly Workload[];
  readonly foreignReleases: readonly PlacedObject[];
}

/** Adds up what the pods of an environment ask for, and packs them on nodes as the scheduler would. */
export function capacityOf(context: Demanding): Capacity {
  const { environment } = context;
  const pods = [
    ...context.workloads.map(podsOfWorkload),
    ...databasesIn(context.objects).map(podsOfDatabase),
    ...context.foreignReleases.flatMap(podsOfRelease),
  ];
  const daemons = sum(pods.filter(({ daemon }) => daemon).map(({ requests }) => requests));
  const room = (node: NodeSize): Amount => minus(minus(allocatable(node), SYSTEM_PODS), daemons);
  const { cluster } = environment;
  const others = cluster.pools.filter(takesEveryPod);
  const fixed = others.flatMap((pool) => Array.from({ length: mostNodes(pool) }, () => room(pool.node)));
  const perNode = room(cluster.node);
  const nodes = mostNodes(cluster);

  const running = pods.filter(({ daemon }) => !daemon);
  const lasting = running.filter(({ transient }) => !transient);
  const once = largestJobs(running);
  const expanded = (count: (pods: Pods) => number): Amount[] => [
    ...lasting.flatMap((one) => Array.from({ length: count(one) }, () => one.requests)),
    ...once.map(({ requests }) => requests),
  ];
  const least = expanded(({ count }) => count);
  const volumes = volumesOf(context);
  const all = Object.values(volumes).reduce((total, count) => total + count, 0);
  const requests = sum(least);
  const available = plus(times(perNode, nodes), sum(fixed));
  const forVolumes = Math.max(0, Math.ceil(all / VOLUMES_PER_NODE) - fixed.length);
  const needed = pack(least, perNode, fixed);
  return {
    nodeSize: cluster.node.slug,
    nodes,
    perNode,
    largestNode: fixed.reduce(most, perNode),
    needed: needed === undefined ? undefined : Math.max(needed, forVolumes, 1),
    neededAtMost: pack(
      expanded(({ maxCount }) => maxCount),
      perNode,
      fixed,
    ),
    requests,
    limits: sum([...lasting.map((one) => times(one.limits, one.count)), ...once.map(({ limits }) => limits)]),
    short: {
      cpu: Math.max(0, requests.cpu - available.cpu),
      memory: Math.max(0, requests.memory - available.memory),
    },
    volumes: all,
    systems: bySystem([...lasting, ...once.map((one) => ({ ...one, count: 1 }))], volumes),
    pods,
  };
}

function bySystem(
  pods: readonly Pods[],
  volumes: Readonly<Record<string, number>>,
): Record<string, SystemDemand> {
  const names = [...new Set([...pods.map(({ system }) => system), ...Object.keys(volumes)])].sort();
  return Object.fromEntries(
    names.map((name) => {
      const own = pods.filter(({ system }) => system === name);
      return [
        name,
        {
          requests: sum(own.map(({ requests, count }) => times(requests, count))),
          limits: sum(own.map(({ limits, count }) => times(limits, count))),
          pods: own.reduce((total, { count }) => total + count, 0),
          volumes: volumes[name] ?? 0,
        },
      ];
    }),
  );
}

/** The largest job of each system: jobs take turns, those of different systems may meet. */
function largestJobs(pods: readonly Pods[]): Pods[] {
  const bySystemName = new Map<string, Pods>();
  for (const one of pods.filter(({ transient }) => transient)) {
    const other = bySystemName.get(one.system);
    if (!other || one.requests.memory > other.requests.memory) bySystemName.set(one.system, one);
  }
  return [...bySystemName.values()];
}

/** Pods of the tree tolerate no taint. */
function takesEveryPod({ taints }: NodePool): boolean {
  return taints.every(({ effect }) => effect === "PreferNoSchedule");
}

function podsOfWorkload(workload: Workload): Pods {
  const { system, place, object, replicas, maxReplicas = replicas, containers, longRunning } = workload;
  return {
    system,
    place,
    name: `${object.kind} ${object.metadata?.name}`,
    count: replicas,
    maxCount: Math.max(replicas, maxReplicas),
    daemon: object.kind === "DaemonSet",
    transient: !longRunning,
    requests: ofPod(containers, "requests"),
    limits: ofPod(containers, "limits"),
  };
}

function ofPod(containers: readonly Container[], part: "requests" | "limits"): Amount {
  const amounts = (init: boolean): Amount[] =>
    containers
      .filter((one) => (one.init && one.spec.restartPolicy !== "Always") === init)
      .map(({ spec }) => withDefault(spec.resources, part));
  return amountOfPod(amounts(false), amounts(true));
}

/** Kubernetes takes a limit for a request that is not there. */
function withDefault(resources: unknown, part: "requests" | "limits"): Amount {
  const stated = amountOf(valueAt(resources, part));
  if (part === "limits") return stated;
  const limits = amountOf(valueAt(resources, "limits"));
  return { cpu: stated.cpu || limits.cpu, memory: stated.memory || limits.memory };
}

function podsOfDatabase({ system, place, object }: PlacedObject): Pods {
  const { instances = 1, resources } = object.spec ?? {};
  return {
    system,
    place,
    name: `Cluster ${object.metadata?.name}`,
    count: instances,
    maxCount: instances,
    daemon: false,
    transient: false,
    requests: withDefault(resources, "requests"),
    limits: withDefault(resources, "limits"),
  };
}

function podsOfRelease({ system, place, object }: PlacedObject): Pods[] {
  const values = object.spec?.values ?? {};
  return (workloadsOfChart(object.spec?.chart?.spec?.chart, values) ?? []).map((workload) => {
    const amounts = (part: "requests" | "limits", init: boolean): Amount[] =>
      workload.containers
        .filter((container) => (container.init ?? false) === init)
        .map(({ resources }) => withDefault(valueAt(values, resources), part));
    const ofPart = (part: "requests" | "limits"): Amount =>
      amountOfPod(amounts(part, false), amounts(part, true));
    const count = replicasOf(workload, values);
    return {
      system,
      place,
      name: `${workload.kind} ${workload.name} of the release ${object.metadata?.name}`,
      count,
      maxCount: count,
      daemon: workload.kind === "DaemonSet",
      transient: workload.hook ?? false,
      requests: ofPart("requests"),
      limits: ofPart("limits"),
    };
  });
}

/** How many replicas the values of a chart ask for. */
export function replicasOf({ replicas }: ChartWorkload, values: unknown): number {
  const stated = replicas?.path === undefined ? undefined : Number(valueAt(values, replicas.path));
  return stated !== undefined && Number.isFinite(stated) ? stated : (replicas?.default ?? 1);
}

/** Volumes by system: claims of their own, those of databases, and those that StatefulSets and charts ask for. */
function volumesOf({ objects, workloads, foreignReleases }: Demanding): Record<string, number> {
  const counts: Record<string, number> = {};
  const add = (system: string, count: number): void => {
    if (count > 0) counts[system] = (counts[system] ?? 0) + count;
  };
  for (const { system, object } of objects) if (object.kind === "PersistentVolumeClaim") add(system, 1);
  for (const { system, object } of databasesIn(objects)) {
    const { instances = 1, walStorage } = object.spec ?? {};
    add(system, instances * (walStorage ? 2 : 1));
  }
  for (const { system, object, replicas } of workloads)
    add(system, replicas * (object.spec?.volumeClaimTemplates?.length ?? 0));
  for (const { system, object } of foreignReleases) {
    const values = object.spec?.values ?? {};
    for (const workload of workloadsOfChart(object.spec?.chart?.spec?.chart, values) ?? []) {
      const asked = workload.volume !== undefined && valueAt(values, workload.volume) !== undefined;
      add(system, asked ? replicasOf(workload, values) : 0);
    }
  }
  return counts;
}
