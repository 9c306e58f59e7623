import type { Environment, Project } from "../../config";
import { nodeSize } from "../../config/node-sizes";
import { environmentOf, type StackPlan } from "../../terraform";
import { plannedValues } from "../planned-values";
import { workloadPoolChange } from "../workload-pool";
import { type Danger, environmentField, type Finding } from "./danger";
import type { Room } from "./room";

/** An environment in which a plan changes what the pods ask for or what the nodes have. */
export interface CapacityQuestion {
  readonly deployed: Environment;
  readonly wanted: Environment;
}

/**
 * The environments for which somebody has to add up the pods, since a plan changes their sizes or their nodes. None of an
 * environment that is made for the first time: nothing runs there that could lose its place.
 */
export function capacityQuestions(
  plans: readonly StackPlan[],
  { environments }: Project,
): CapacityQuestion[] {
  return environments.flatMap((wanted) => {
    const own = plans.filter(({ stack }) => environmentOf(stack) === wanted.name);
    const values = own.map(plannedValues).find((found) => found !== undefined)?.before;
    const pool = own.map(deployedPool).find((found) => found !== undefined);
    if (values === undefined && pool === undefined) return [];
    // The document in the cluster has these parts as the environment has them.
    const parts = { ...(values as unknown as Partial<Environment>) };
    const { cluster: former, ...sizes } = parts as { cluster?: { nodeSize?: string; nodeCount?: number } };
    const nodeCount = former?.nodeCount ?? pool?.nodeCount ?? wanted.cluster.nodeCount;
    const maximum = pool?.maxNodes;
    const { minNodes } = wanted.cluster.autoscaling ?? { minNodes: 1 };
    const cluster = {
      ...wanted.cluster,
      node: nodeSize(former?.nodeSize ?? pool?.size ?? "") ?? wanted.cluster.node,
      nodeCount,
      ...(maximum === undefined ? {} : { autoscaling: { minNodes, maxNodes: maximum } }),
    };
    return [{ deployed: { ...wanted, ...sizes, cluster } as Environment, wanted }];
  });
}

/** What the workload pool has so far, where a plan takes something from it; undefined where it doesn't. */
function deployedPool(
  plan: StackPlan,
): { readonly size?: string; readonly nodeCount?: number; readonly maxNodes?: number } | undefined {
  const change = workloadPoolChange(plan);
  if (change === undefined) return undefined;
  const before = (path: string): unknown =>
    change.attributes.find((attribute) => attribute.path === path)?.before;
  const [size, nodeCount, maxNodes] = ["size", "node_count", "max_nodes"].map(before);
  if (size === undefined && nodeCount === undefined && maxNodes === undefined) return undefined;
  return {
    ...(typeof size === "string" ? { size } : {}),
    ...(typeof nodeCount === "number" ? { nodeCount } : {}),
    ...(typeof maxNodes === "number" && maxNodes > 0 ? { maxNodes } : {}),
  };
}

/**
 * Pods that would ask for more than the nodes have: a profile that has grown, or fewer or smaller nodes. An environment that was
 * short before and isn't shorter after the change is not refused, since the change may be the way out.
 */
export const podsWithoutRoom: Danger = ({ capacity, workspace: { project } }) =>
  [...capacity].flatMap(([environment, { deployed, wanted }]): Finding[] => {
    if (shortOf(wanted) <= Math.max(0, deployed === undefined ? 0 : shortOf(deployed))) return [];
    const autoscaled = project.environments.find(({ name }) => name === environment)?.cluster.autoscaling;
    const count = autoscaled ? "maxNodes" : "nodeCount";
    const { needed, nodes } = wanted;
    const fewer = deployed !== undefined && nodes < deployed.nodes;
    return [
      {
        kind: "pods-without-room",
        environment,
        field: environmentField(project, environment, `cluster.${needed === undefined ? "nodeSize" : count}`),
        problem:
          needed === undefined
            ? `${environment}: ${listed(wanted.tooLarge)}.`
            : `${environment}: the pods ask for ${wanted.requests}, which takes ${needed} nodes of ${wanted.nodeSize}, and there would be at most ${nodes}${
                fewer ? ` (now ${deployed.nodes})` : ""
              }.`,
        consequence:
          "Pods that find no place stay pending. While they are replaced one after the other, what runs today goes down.",
        remedy:
          needed === undefined
            ? "choose a smaller profile for them, or a larger nodeSize."
            : `set it to ${needed}, choose a larger nodeSize, or put applications on a smaller profile.`,
      },
    ];
  });

/** So many pods are named; more are counted. */
const MOST_NAMED = 3;

function listed(pods: readonly string[]): string {
  const more = pods.length - MOST_NAMED;
  return `${pods.slice(0, MOST_NAMED).join("; ")}${more > 0 ? `; and ${more} more pods are too large` : ""}`;
}

/** Nodes that are missing; with a pod that fits nowhere no number is enough. */
export function shortOf({ needed, nodes }: Room): number {
  return needed === undefined ? Number.POSITIVE_INFINITY : needed - nodes;
}
