import { WORKLOAD_POOL } from "../config";
import { nodeSize } from "../config/node-sizes";
import type { AttributeChange, ResourceChange, StackPlan } from "../terraform";

/**
 * Whether a plan takes nodes away from the workload pool, or makes them smaller, so that the pods have to fit into less. With an
 * autoscaler its maximum counts.
 */
export function shrinksPool(plan: StackPlan): boolean {
  const pool = workloadPoolChange(plan);
  if (!pool || plan.assumed.length > 0) return false;
  const of = (path: string): AttributeChange | undefined =>
    pool.attributes.find((attribute) => attribute.path === path);
  const size = of("size");
  const [former, wanted] = [nodeSize(String(size?.before)), nodeSize(String(size?.after))];
  const smaller =
    size !== undefined &&
    (!former || !wanted || wanted.vcpus < former.vcpus || wanted.memoryGi < former.memoryGi);
  return smaller || isLess(of("max_nodes")) || isLess(of("node_count")) || of("auto_scale")?.after === false;
}

/** What a plan does to a workload pool that is there already. */
export function workloadPoolChange({ changes }: StackPlan): ResourceChange | undefined {
  return changes.find(
    ({ type, address, action }) =>
      type === "digitalocean_kubernetes_node_pool" &&
      address.endsWith(`.node-pool-${WORKLOAD_POOL}`) &&
      (action === "update" || action === "replace"),
  );
}

/** A number that goes down. One that goes to null or comes from it belongs to an autoscaler that is switched off or on. */
function isLess(change: AttributeChange | undefined): boolean {
  if (typeof change?.before !== "number" || typeof change.after !== "number") return false;
  return change.after < change.before;
}
