import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { LiveCluster } from "./live-cluster";
import type { LiveProject } from "./live-project";

/** What {@link playCloudControllers} made, by what it was made for. */
export interface CloudObjects {
  readonly loadBalancers: readonly string[];
  readonly volumes: readonly string[];
}

/**
 * Plays DigitalOcean's controllers in a cluster, which the sandbox has not: a load balancer in the account for every Service that
 * asks for one, a volume for every claim, with the tag that the real ones have.
 */
export async function playCloudControllers(
  project: LiveProject,
  { api, options }: LiveCluster,
): Promise<CloudObjects> {
  const file = path.join(project.project.directory, "clouds", "digitalocean.json");
  const account = JSON.parse(readFileSync(file, "utf8"));
  const clusters = Object.entries<any>(account.digitalocean_kubernetes_cluster);
  const [id, cluster] = clusters.find(([, { name }]) => name === options.name) ?? [];
  if (!cluster) throw new Error(`the account has no cluster ${options.name}`);
  const services = (await api.list("Service")).filter(({ spec }) => spec.type === "LoadBalancer");
  const claims = await api.list("PersistentVolumeClaim");
  const tags = [`k8s:${id}`];
  for (const { metadata } of services) {
    account.digitalocean_loadbalancer ??= {};
    account.digitalocean_loadbalancer[metadata.uid] = {
      name: metadata.name,
      vpc_uuid: cluster.vpc_uuid,
      tags,
    };
  }
  for (const { metadata } of claims) {
    account.digitalocean_volume ??= {};
    account.digitalocean_volume[metadata.uid] = { name: `pvc-${metadata.uid}`, region: cluster.region, tags };
  }
  writeFileSync(file, JSON.stringify(account, null, 2));
  return {
    loadBalancers: services.map(({ metadata }) => metadata.name),
    volumes: claims.map(({ metadata }) => metadata.name),
  };
}
