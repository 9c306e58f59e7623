import { shrinksPool } from "../../src/deployment/workload-pool";
import type { Action, StackPlan } from "../../src/terraform";

function plan(
  action: Action,
  changes: Readonly<Record<string, readonly [unknown, unknown]>>,
  more: { assumed?: string[]; pool?: string } = {},
): StackPlan {
  const attributes = Object.entries(changes).map(([path, [before, after]]) => ({
    path,
    before,
    after,
    unknown: false,
    sensitive: false,
    forcesReplacement: false,
  }));
  const address = `digitalocean_kubernetes_node_pool.node-pool-${more.pool ?? "workload"}`;
  return {
    stack: { name: "staging-cluster", directory: "", dependencies: [] },
    changes: [{ address, type: "digitalocean_kubernetes_node_pool", action, createFirst: false, attributes }],
    outputsChange: false,
    assumed: more.assumed ?? [],
    destroy: false,
  };
}

test.each<[string, Action, Readonly<Record<string, readonly [unknown, unknown]>>]>([
  ["fewer nodes", "update", { node_count: [3, 2] }],
  ["fewer nodes at most", "update", { max_nodes: [6, 4] }],
  ["less memory", "replace", { size: ["s-2vcpu-4gb", "s-2vcpu-2gb"] }],
  ["fewer CPUs and more memory", "replace", { size: ["s-4vcpu-8gb", "m-2vcpu-16gb"] }],
  ["a size that nobody knows", "replace", { size: ["gone-1", "s-8vcpu-16gb"] }],
  ["no autoscaler any more", "update", { auto_scale: [true, false], max_nodes: [6, null] }],
])("%s: pods could lose their place", (_name, action, changes) => {
  expect(shrinksPool(plan(action, changes))).toBe(true);
});

test.each<[string, Action, Readonly<Record<string, readonly [unknown, unknown]>>]>([
  ["more nodes", "update", { node_count: [2, 3] }],
  ["larger nodes", "replace", { size: ["s-2vcpu-4gb", "s-4vcpu-8gb"] }],
  ["the same size of another family", "replace", { size: ["s-2vcpu-4gb", "s-2vcpu-4gb-amd"] }],
  ["an autoscaler where there was none", "update", { auto_scale: [false, true], max_nodes: [null, 3] }],
  ["labels", "update", { "labels.x": ["a", "b"] }],
  ["a new pool", "create", {}],
])("%s: nothing loses its place", (_name, action, changes) => {
  expect(shrinksPool(plan(action, changes))).toBe(false);
});

test("only the workload pool counts, and only plans on what is really there", () => {
  expect(shrinksPool(plan("update", { node_count: [3, 2] }, { pool: "gpu" }))).toBe(false);
  expect(shrinksPool(plan("update", { node_count: [3, 2] }, { assumed: ["staging-cluster"] }))).toBe(false);
});
