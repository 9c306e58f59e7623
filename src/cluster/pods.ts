import { mostNodes, type NodePool, POOL_LABEL, WORKLOAD_POOL } from "../config";
import { type Amount, amountOf, amountOfPod, minus, most, NOTHING, pack, sum } from "../config/amounts";
import { allocatable } from "../config/node-sizes";
import type { ClusterReader } from "./cluster-reader";
import type { KubernetesObject } from "./kubernetes-object";

interface ContainerSpec {
  readonly restartPolicy?: string;
  readonly resources?: { readonly requests?: Readonly<Record<string, string>> };
}

/** A pod, as far as its place on a node goes. */
export interface Pod extends KubernetesObject {
  readonly metadata: KubernetesObject["metadata"] & {
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly containers?: readonly ContainerSpec[];
    readonly initContainers?: readonly ContainerSpec[];
    readonly overhead?: Readonly<Record<string, string>>;
  };
  readonly status?: { readonly phase?: string };
}

/** A node, as far as the room for pods goes. */
export interface Node extends KubernetesObject {
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly effect: string }[];
  };
  readonly status?: { readonly allocatable?: Readonly<Record<string, string>> };
}

/** What runs in a cluster, and on what. */
export interface RunningPods {
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
}

/** @throws ClusterUnreachable */
export async function readPods(reader: ClusterReader): Promise<RunningPods> {
  const [pods = [], nodes = []] = await Promise.all([
    reader.list<Pod>("/api/v1/pods"),
    reader.list<Node>("/api/v1/nodes"),
  ]);
  return { pods, nodes };
}

/** What the pods of the workload pool need of the nodes that it will have. */
export interface RoomForPods {
  readonly fits: boolean;
  /** What the pods ask for that have to find a place. */
  readonly asked: Amount;
  readonly pods: number;
  /** Nodes that they take; undefined when one of them is larger than every node. */
  readonly needed: number | undefined;
  /** Those that ask for most, largest first: `mattermost/mattermost-0 (2000m CPU and 2048Mi memory)` can be made of each. */
  readonly largest: readonly { readonly name: string; readonly asked: Amount }[];
}

/** So many pods are named. */
const MOST_NAMED = 3;

/**
 * Whether the pods that run now, with what they ask for now, fit on the nodes that the workload pool will have, besides what is
 * free on the nodes of other pools. Pods that are on other pools stay there; those without a node count as pods that need a place,
 * and so do those that are ending, for as long as they are there. A DaemonSet's pods are on each node, so they make each smaller.
 */
export function roomForPods(
  { pods, nodes }: RunningPods,
  pool: Pick<NodePool, "node" | "nodeCount" | "autoscaling">,
): RoomForPods {
  const present = pods.filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed");
  const leaving = new Set(
    nodes
      .filter(({ metadata }) => metadata.labels?.[POOL_LABEL] === WORKLOAD_POOL)
      .map(({ metadata }) => metadata.name),
  );
  const moving = present.filter(
    (pod) =>
      !isOnEachNode(pod) &&
      (pod.spec.nodeName === undefined || pod.spec.nodeName === "" || leaving.has(pod.spec.nodeName)),
  );
  const perNode = minus(allocatable(pool.node), daemonsPerNode(present));
  const free = nodes
    .filter((node) => !leaving.has(node.metadata.name) && takesPods(node))
    .map((node) => minus(amountOf(node.status?.allocatable), askedOn(node.metadata.name, present)));
  const asking = moving
    .map((pod) => ({
      name: `${pod.metadata.namespace ?? "default"}/${pod.metadata.name}`,
      asked: requestsOf(pod),
    }))
    .sort((a, b) => b.asked.memory - a.asked.memory || b.asked.cpu - a.asked.cpu);
  const needed = pack(
    asking.map(({ asked }) => asked),
    perNode,
    free,
  );
  return {
    fits: needed !== undefined && needed <= mostNodes(pool),
    asked: sum(asking.map(({ asked }) => asked)),
    pods: asking.length,
    needed,
    largest: asking.slice(0, MOST_NAMED),
  };
}

function requestsOf({ spec }: Pod): Amount {
  // The API server fills in requests where only limits are stated.
  const amounts = (containers: readonly ContainerSpec[]): Amount[] =>
    containers.map(({ resources }) => amountOf(resources?.requests));
  const { containers = [], initContainers = [], overhead } = spec;
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === "Always");
  const init = initContainers.filter(({ restartPolicy }) => restartPolicy !== "Always");
  return sum([amountOfPod(amounts([...containers, ...sidecars]), amounts(init)), amountOf(overhead)]);
}

/** Pods of DaemonSets, and static pods, whose owner is the node. */
function isOnEachNode({ metadata }: Pod): boolean {
  return (metadata.ownerReferences ?? []).some(({ kind }) => kind === "DaemonSet" || kind === "Node");
}

/** What a node gives to DaemonSets: of each the largest pod that is there. */
function daemonsPerNode(pods: readonly Pod[]): Amount {
  const byDaemonSet = new Map<string, Amount>();
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find(({ kind }) => kind === "DaemonSet");
    if (!owner) continue;
    const key = `${pod.metadata.namespace}/${owner.name}`;
    byDaemonSet.set(key, most(byDaemonSet.get(key) ?? NOTHING, requestsOf(pod)));
  }
  return sum([...byDaemonSet.values()]);
}

function takesPods({ spec = {} }: Node): boolean {
  return (
    spec.unschedulable !== true && (spec.taints ?? []).every(({ effect }) => effect === "PreferNoSchedule")
  );
}

function askedOn(node: string, pods: readonly Pod[]): Amount {
  return sum(pods.filter(({ spec }) => spec.nodeName === node).map(requestsOf));
}
