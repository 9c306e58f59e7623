import { blocks, type Values } from "../protocol/values";
import type { DigitalOceanCloud } from "../providers/digitalocean/cloud";
import { CLUSTERS, poolsOf } from "../providers/digitalocean/node-pools";
import { followOffers, statusOf } from "../providers/digitalocean/upgrades";
import type { GitHubCloud } from "../providers/github/cloud";

const COLLECTIONS: Readonly<Record<string, readonly [key: string, type: string]>> = {
  "v2/vpcs": ["vpcs", "digitalocean_vpc"],
  "v2/domains": ["domains", "digitalocean_domain"],
  "v2/projects": ["projects", "digitalocean_project"],
  "v2/kubernetes/clusters": ["kubernetes_clusters", CLUSTERS],
};
const POOLS_PATH = /^v2\/kubernetes\/clusters\/([^/]+)\/node_pools$/;

type Entry = readonly [id: string, object: Values];

const CLUSTER_PATH = /^v2\/kubernetes\/clusters\/([^/]+)$/;

/** A cluster in the API's form, as far as code outside terraform reads it. */
const asCluster = ([id, cluster]: Entry) => ({
  ...withNames([[id, cluster]])[0],
  region: cluster.region,
  version: cluster.version,
  vpc_uuid: cluster.vpc_uuid,
  cluster_subnet: cluster.cluster_subnet,
  service_subnet: cluster.service_subnet,
  status: { state: statusOf(cluster) },
});

const withNames = (entries: readonly Entry[]) =>
  entries.map(([id, { name, created_at }]) => ({ id, name, created_at: inApiForm(created_at) }));

/** The API has times in RFC 3339; DigitalOcean's provider keeps some of them as Go prints them (goTime()). */
function inApiForm(time: unknown): string | undefined {
  return typeof time === "string" ? time.replace(/^(\S+) (\S+) \+0000 UTC$/, "$1T$2Z") : undefined;
}

/** A list of DigitalOcean's API, in the form that it has there: ids, names, times of creation. Undefined for another path. */
export function digitalOceanList(path: string, cloud: DigitalOceanCloud): object | undefined {
  const [key, type] = COLLECTIONS[path] ?? [];
  if (key !== undefined && type !== undefined) {
    if (type === CLUSTERS) followOffers(cloud);
    const objects = Object.entries(cloud.objects(type));
    const listed = {
      [CLUSTERS]: objects.map(asCluster),
      digitalocean_vpc: objects.map((entry) => ({
        ...withNames([entry])[0],
        region: entry[1].region,
        ip_range: entry[1].ip_range,
        default: entry[1].default === true,
      })),
    }[type];
    return { [key]: listed ?? withNames(objects), links: {}, meta: { total: objects.length } };
  }
  const [, one = ""] = CLUSTER_PATH.exec(path) ?? [];
  const found = cloud.object(CLUSTERS, one);
  if (found) return { kubernetes_cluster: asCluster([one, found]) };
  const [, cluster] = POOLS_PATH.exec(path) ?? [];
  if (cluster === undefined || !cloud.object(CLUSTERS, cluster)) return undefined;
  const pools = poolsOf(cloud, cluster).map(([id, { name, nodes }]) => ({
    id,
    name,
    nodes: blocks(nodes).map((node) => ({ id: node.id, name: node.name, status: { state: node.status } })),
  }));
  return { node_pools: pools };
}

const POLICIES_PATH = /^environments\/([^/]+)\/deployment-branch-policies$/;

/** A list of a repository, in the form that GitHub's API has. Undefined for another path. */
export function repositoryList(
  path: string,
  owner: string,
  name: string,
  cloud: GitHubCloud,
): object | undefined {
  const list = (type: string): readonly Entry[] => Object.entries(cloud.objects(owner, name, type));
  if (path === "keys")
    return list("github_repository_deploy_key").map(([id, { title, key, read_only }]) => ({
      id: Number(id),
      title,
      key,
      read_only,
    }));
  if (path === "hooks")
    return list("github_repository_webhook").map(([id, { active, events, configuration }]) => ({
      id: Number(id),
      active,
      events,
      config: { url: blocks(configuration)[0]?.url },
    }));
  if (path === "environments") {
    const environments = list("github_repository_environment");
    return {
      total_count: environments.length,
      environments: environments.map(([environment]) => ({ name: environment })),
    };
  }
  const [, environment] = POLICIES_PATH.exec(path) ?? [];
  if (environment === undefined) return undefined;
  const policies = list("github_repository_environment_deployment_policy").filter(
    ([, policy]) => policy.environment === decodeURIComponent(environment),
  );
  return {
    total_count: policies.length,
    branch_policies: policies.map(([id, { branch_pattern, tag_pattern }]) => ({
      id: Number(id),
      name: branch_pattern ?? tag_pattern,
      type: branch_pattern === undefined ? "tag" : "branch",
    })),
  };
}
