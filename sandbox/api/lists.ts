import { blocks, type Values } from "../protocol/values";
import type { DigitalOceanCloud } from "../providers/digitalocean/cloud";
import { CLUSTERS, poolsOf } from "../providers/digitalocean/node-pools";
import { followOffers, offeredVersions, statusOf } from "../providers/digitalocean/upgrades";
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

const LARGEST_PAGE = 200;
const PAGE = 20;

/** The API has times in RFC 3339; the providers keep some of them as Go prints them (goTime()). */
function inApiForm(time: unknown): string | undefined {
  return typeof time === "string" ? time.replace(/^(\S+) (\S+) \+0000 UTC$/, "$1T$2Z") : undefined;
}

/**
 * A list of DigitalOcean's API, in the form and the pages that it has there: ids, names, times of creation, statuses of clusters.
 * Undefined for another path.
 */
export function digitalOceanList({ origin, pathname, searchParams }: URL, cloud: DigitalOceanCloud) {
  const path = pathname.replace(/^\/[^/]+\//, "");
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
    const all = listed ?? withNames(objects);
    const size = Math.min(Number(searchParams.get("per_page")) || PAGE, LARGEST_PAGE);
    const page = Number(searchParams.get("page")) || 1;
    const next = `${origin}${pathname}?page=${page + 1}&per_page=${size}`;
    return {
      [key]: all.slice((page - 1) * size, page * size),
      links: all.length <= page * size ? {} : { pages: { next } },
      meta: { total: all.length },
    };
  }
  if (path === "v2/kubernetes/options") {
    const versions = offeredVersions(cloud).map((slug) => ({
      slug,
      kubernetes_version: slug.replace(/-do\.\d+$/, ""),
    }));
    return { options: { versions } };
  }
  const [, one = ""] = CLUSTER_PATH.exec(path) ?? [];
  const found = cloud.object(CLUSTERS, one);
  if (found) return { kubernetes_cluster: asCluster([one, found]) };
  const [, cluster] = POOLS_PATH.exec(path) ?? [];
  if (cluster === undefined || !cloud.object(CLUSTERS, cluster)) return undefined;
  const pools = poolsOf(cloud, cluster).map(([id, { name, nodes }]) => ({
    id,
    name,
    nodes: blocks(nodes).map((node) => ({
      id: node.id,
      name: node.name,
      status: { state: node.status },
      created_at: inApiForm(node.created_at),
    })),
  }));
  return { node_pools: pools };
}

const POLICIES = "github_repository_environment_deployment_policy";
const POLICIES_PATH = /^environments\/([^/]+)\/deployment-branch-policies$/;
const POLICY_PATH = /^environments\/[^/]+\/deployment-branch-policies\/(\d+)$/;
const ENVIRONMENT_PATH = /^environments\/([^/]+)$/;
const IN_ENVIRONMENT_PATH = /^environments\/([^/]+)\/(variables|secrets)$/;

/** What a repository has at a path, in the form that GitHub's API has. Undefined for another path, and for what isn't there. */
export function repositoryContent(
  path: string,
  owner: string,
  name: string,
  cloud: GitHubCloud,
): object | undefined {
  const list = (type: string): readonly Entry[] => Object.entries(cloud.objects(owner, name, type));
  if (path === "keys")
    return list("github_repository_deploy_key").map(([id, { title, key, read_only, made_at }]) => ({
      id: Number(id),
      title,
      key,
      read_only,
      created_at: made_at,
    }));
  if (path === "hooks")
    return list("github_repository_webhook").map(([id, { active, events, configuration, made_at }]) => ({
      id: Number(id),
      active,
      events,
      config: { url: blocks(configuration)[0]?.url },
      created_at: made_at,
    }));
  if (path === "environments")
    return listed(
      "environments",
      list("github_repository_environment").map(([environment]) => ({ name: environment })),
    );
  if (path === "actions/secrets")
    return listed(
      "secrets",
      list("github_actions_secret").map(([key]) => ({ name: key })),
    );
  const [, environmentName] = ENVIRONMENT_PATH.exec(path) ?? [];
  if (environmentName !== undefined)
    return environment(decodeURIComponent(environmentName), owner, name, cloud);
  const [, inEnvironment = "", kind] = IN_ENVIRONMENT_PATH.exec(path) ?? [];
  if (kind !== undefined) {
    const wanted = decodeURIComponent(inEnvironment);
    const variables = kind === "variables";
    return listed(
      kind,
      list(`github_actions_environment_${variables ? "variable" : "secret"}`)
        .filter(([, object]) => object.environment === wanted)
        .map(([, { variable_name, secret_name, value }]) =>
          variables ? { name: variable_name, value } : { name: secret_name },
        ),
    );
  }
  const [, ofPolicies] = POLICIES_PATH.exec(path) ?? [];
  if (ofPolicies === undefined) return undefined;
  const policies = list(POLICIES).filter(
    ([, policy]) => policy.environment === decodeURIComponent(ofPolicies),
  );
  return listed(
    "branch_policies",
    policies.map(([id, { branch_pattern, tag_pattern }]) => ({
      id: Number(id),
      name: branch_pattern ?? tag_pattern,
      type: branch_pattern ? "branch" : "tag",
    })),
  );
}

const listed = (key: string, objects: readonly object[]) => ({
  total_count: objects.length,
  [key]: objects,
});

/** An environment with its protection rules; a rule that nobody set is left out, as GitHub does. */
function environment(wanted: string, owner: string, name: string, cloud: GitHubCloud): object | undefined {
  const found = cloud.objects(owner, name, "github_repository_environment")[wanted];
  if (found === undefined) return undefined;
  const [reviewers] = blocks(found.reviewers);
  const ids = (key: "users" | "teams", type: string) =>
    ((reviewers?.[key] ?? []) as number[]).map((id) => ({
      type,
      reviewer: { id, [key === "users" ? "login" : "slug"]: `${key.slice(0, -1)}-${id}` },
    }));
  const all = [...ids("users", "User"), ...ids("teams", "Team")];
  return {
    name: wanted,
    deployment_branch_policy: blocks(found.deployment_branch_policy)[0] ?? null,
    protection_rules: [
      ...(found.wait_timer ? [{ type: "wait_timer", wait_timer: found.wait_timer }] : []),
      ...(all.length > 0 ? [{ type: "required_reviewers", reviewers: all }] : []),
      { type: "branch_policy" },
    ],
  };
}

const GITHUB_PAGE = 30;
const LARGEST_GITHUB_PAGE = 100;

/** One page of what GitHub lists, and where the next one is; what is no list is whole. */
export function gitHubPage(content: object, url: URL): { readonly body: object; readonly next?: string } {
  const [key, all] = Array.isArray(content)
    ? [undefined, content]
    : (Object.entries(content).find(([name]) => "total_count" in content && name !== "total_count") ?? []);
  if (!Array.isArray(all)) return { body: content };
  const size = Math.min(Number(url.searchParams.get("per_page")) || GITHUB_PAGE, LARGEST_GITHUB_PAGE);
  const page = Number(url.searchParams.get("page")) || 1;
  const shown = all.slice((page - 1) * size, page * size);
  const next = new URL(url);
  next.searchParams.set("page", String(page + 1));
  return {
    body: key === undefined ? shown : { ...content, [key]: shown },
    ...(page * size < all.length ? { next: next.href } : {}),
  };
}

/** Deletes a deployment policy; undefined for another path, false where it isn't there. */
export function deletePolicy(
  path: string,
  owner: string,
  name: string,
  cloud: GitHubCloud,
): boolean | undefined {
  const [, id] = POLICY_PATH.exec(path) ?? [];
  if (id === undefined) return undefined;
  return cloud.update(owner, name, (objects) => {
    const there = objects(POLICIES)[id] !== undefined;
    delete objects(POLICIES)[id];
    return there;
  });
}
