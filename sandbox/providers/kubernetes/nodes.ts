import { isValues, list, text, type Values } from "../../protocol/values";
import { SIZES } from "../digitalocean/catalog";
import type { DigitalOceanCloud } from "../digitalocean/cloud";
import { CLUSTERS, poolsOf } from "../digitalocean/node-pools";
import type { Manifest } from "./api";

const KIB_PER_MIB = 1024;

function node(cluster: Values, poolId: string, pool: Values, entry: Values): Manifest {
  const size = SIZES.get(text(pool.size) ?? "");
  const resources = {
    cpu: String(size?.vcpus ?? 0),
    memory: `${(size?.memory ?? 0) * KIB_PER_MIB}Ki`,
    pods: "110",
  };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: text(entry.name) ?? "",
      uid: text(entry.id) ?? "",
      labels: {
        ...(isValues(pool.labels) ? (pool.labels as Record<string, string>) : {}),
        "doks.digitalocean.com/node-id": text(entry.id) ?? "",
        "doks.digitalocean.com/node-pool": text(pool.name) ?? "",
        "doks.digitalocean.com/node-pool-id": poolId,
        "node.kubernetes.io/instance-type": text(pool.size) ?? "",
        "topology.kubernetes.io/region": text(cluster.region) ?? "",
      },
    },
    spec: {
      providerID: `digitalocean://${text(entry.droplet_id)}`,
      taints: list(pool.taint).map((taint) => ({ ...(taint as Record<string, string>) })),
    },
    status: { capacity: { ...resources }, allocatable: { ...resources }, addresses: [] },
  };
}

/** The nodes of a cluster as Kubernetes shows them: they follow from its node pools. */
export function nodesOf(cloud: DigitalOceanCloud, clusterId: string): Manifest[] {
  const cluster = cloud.object(CLUSTERS, clusterId);
  if (!cluster) return [];
  return poolsOf(cloud, clusterId).flatMap(([id, pool]) =>
    list(pool.nodes)
      .filter(isValues)
      .map((entry) => node(cluster, id, pool, entry)),
  );
}
