import { randomBytes, randomUUID } from "node:crypto";
import { ProviderError } from "../../protocol/diagnostics";
import { blocks, list, text, type Value, type Values } from "../../protocol/values";
import { goTime, randomId } from "../computed";
import type { Report, ResourceHandler } from "../provider";
import { MINIMUM_NODE_MEMORY, SIZES } from "./catalog";
import { type AccountChange, apiError, type DigitalOceanCloud, NOT_FOUND } from "./cloud";
import type { Fail } from "./collection";

export const CLUSTERS = "digitalocean_kubernetes_cluster";
export const POOLS = "digitalocean_kubernetes_node_pool";

/** Attributes of a pool that change by themselves when its nodes do. */
export const POOL_VOLATILE = ["nodes", "actual_node_count"] as const;

const TAINT_EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** Checks that need no API, as the provider's schema makes them. */
export function validatePool(pool: Values, at: Array<string | number>, report: Report): void {
  for (const name of ["name", "size", "cluster_id"]) {
    if (pool[name] === "") report([...at, name], `"${name}" must not be empty`);
  }
  blocks(pool.taint).forEach((taint) => {
    if (typeof taint.effect === "string" && !TAINT_EFFECTS.includes(taint.effect)) {
      report(
        [...at, "taint"],
        `expected taint.effect to be one of ["${TAINT_EFFECTS.join('" "')}"], got ${taint.effect}`,
      );
    }
  });
}

/** Refuses a pool as the API does; returns how many nodes it starts with. */
export function checkPool(pool: Values, fail: Fail): number {
  const size = SIZES.get(text(pool.size) ?? "");
  if (!size) fail(422, `validation error: worker size "${text(pool.size)}" is not valid`);
  if (size.memory < MINIMUM_NODE_MEMORY) {
    fail(
      422,
      `validation error: worker size "${size.slug}" is too small, nodes need at least 2 GB of memory`,
    );
  }
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text(pool.name) ?? "")) {
    fail(
      422,
      `validation error: node pool name "${text(pool.name)}" must consist of lower case alphanumeric characters, "-" or "."`,
    );
  }
  const number = (value: Value | undefined) => (typeof value === "number" ? value : 0);
  const [count, minimum, maximum] = [number(pool.node_count), number(pool.min_nodes), number(pool.max_nodes)];
  if (pool.auto_scale !== true) {
    if (count < 1) fail(422, "validation error: node pool count must be at least 1 without auto-scaling");
    return count;
  }
  if (maximum < 1 || minimum > maximum) {
    fail(
      422,
      `validation error: min_nodes (${minimum}) must not be greater than max_nodes (${maximum}), which must be at least 1`,
    );
  }
  if (count !== 0 && (count < minimum || count > maximum)) {
    fail(
      422,
      `validation error: node pool count ${count} must be between min_nodes ${minimum} and max_nodes ${maximum}`,
    );
  }
  return count === 0 ? Math.max(minimum, 1) : count;
}

/** A node that has just joined a pool. */
export function newNode(pool: string): Values {
  const now = goTime();
  return {
    id: randomUUID(),
    name: `${pool}-${randomBytes(3).toString("hex").slice(0, 5)}`,
    status: "running",
    droplet_id: String(randomId()),
    created_at: now,
    updated_at: now,
  };
}

const FIELDS = [
  "name",
  "size",
  "node_count",
  "auto_scale",
  "min_nodes",
  "max_nodes",
  "tags",
  "labels",
  "taint",
];

/** Writes a pool: nodes are kept as far as the count allows. `extra` is stored beside the pool's attributes. */
export function putPool(
  account: AccountChange,
  id: string,
  pool: Values,
  count: number,
  extra: Values,
): void {
  const before = account.objects(POOLS)[id];
  const nodes = list(before?.nodes).slice(0, count);
  while (nodes.length < count) nodes.push(newNode(text(pool.name) ?? "pool"));
  account.put(POOLS, id, {
    ...Object.fromEntries(FIELDS.map((name) => [name, pool[name] ?? null])),
    ...extra,
    node_count: count,
    nodes,
  });
}

/** A pool as Terraform reads it: `node_count` only where the state has one, as in the provider. */
export function readPool(id: string, stored: Values, state: Values): Values {
  return {
    ...stored,
    id,
    actual_node_count: stored.node_count ?? null,
    node_count: state.node_count === null ? null : (stored.node_count ?? null),
  };
}

/** Pools of a cluster, by id. */
export function poolsOf(account: { objects(type: string): Record<string, Values> }, clusterId: string) {
  return Object.entries(account.objects(POOLS)).filter(([, pool]) => pool.cluster_id === clusterId);
}

/** Refuses a second pool of the same name in a cluster. */
export function checkPoolName(
  account: AccountChange,
  clusterId: string,
  id: string | null,
  name: Value | undefined,
  fail: Fail,
): void {
  if (poolsOf(account, clusterId).some(([other, pool]) => other !== id && pool.name === name)) {
    fail(422, `validation error: a node pool with the name "${text(name)}" already exists in this cluster`);
  }
}

/** `digitalocean_kubernetes_node_pool`. */
export function nodePool(cloud: DigitalOceanCloud): ResourceHandler {
  const failing =
    (prefix: string, method: "POST" | "PUT", path: string): Fail =>
    (status, message) => {
      throw apiError(prefix, method, path, status, message);
    };
  const complete = (planned: Values, id: string, stored: Values): Values => ({
    ...readPool(id, stored, planned),
    timeouts: planned.timeouts ?? null,
  });
  return {
    forceNew: ["cluster_id", "size"],
    defaults: { auto_scale: false },
    volatile: POOL_VOLATILE,
    validate: (config, report) => validatePool(config, [], report),
    create: (planned) =>
      cloud.update((account) => {
        const clusterId = text(planned.cluster_id) ?? "";
        const path = `kubernetes/clusters/${clusterId}/node_pools`;
        const fail: Fail = failing(
          "Error creating Kubernetes node pool: Unable to create new default node pool",
          "POST",
          path,
        );
        if (!account.objects(CLUSTERS)[clusterId]) fail(404, NOT_FOUND);
        const count = checkPool(planned, fail);
        checkPoolName(account, clusterId, null, planned.name, fail);
        const id = randomUUID();
        putPool(account, id, planned, count, { cluster_id: clusterId });
        return complete(planned, id, account.objects(POOLS)[id] ?? {});
      }),
    read: (state) => {
      const id = text(state.id) ?? "";
      const stored = cloud.object(POOLS, id);
      if (!stored || !cloud.object(CLUSTERS, text(stored.cluster_id) ?? "")) return null;
      return complete(state, id, stored);
    },
    update: (planned, prior) =>
      cloud.update((account) => {
        const id = text(prior.id) ?? "";
        const clusterId = text(prior.cluster_id) ?? "";
        const path = `kubernetes/clusters/${clusterId}/node_pools/${id}`;
        const fail: Fail = failing("Error updating node pool: Unable to update nodepool", "PUT", path);
        const stored = account.objects(POOLS)[id];
        if (!stored) fail(404, NOT_FOUND);
        checkPoolName(account, clusterId, id, planned.name, fail);
        const count = checkPool(
          { ...planned, node_count: planned.node_count ?? stored.node_count ?? null },
          fail,
        );
        putPool(account, id, planned, count, { cluster_id: clusterId });
        return complete(planned, id, account.objects(POOLS)[id] ?? {});
      }),
    remove: (prior) => cloud.update((account) => account.remove(POOLS, text(prior.id) ?? "")),
    importState: (id) => {
      const stored = cloud.object(POOLS, id);
      if (!stored) throw new ProviderError(`Did not find the cluster owning the node pool ${id}`);
      if (stored.default_pool === true) {
        throw new ProviderError(
          `Node pool ${id} has the default node pool tag set; import the owning digitalocean_kubernetes_cluster resource instead (cluster ID=${text(stored.cluster_id)})`,
        );
      }
      return { id, cluster_id: stored.cluster_id ?? null };
    },
  };
}
