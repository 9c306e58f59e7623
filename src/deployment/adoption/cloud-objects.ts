import { gitHubApi, listAll, listDigitalOcean } from "../../api-client";
import type { StateDocument, Variables } from "../../terraform";

/** Arguments of a resource as a plan has them. */
export type Wanted = Readonly<Record<string, unknown>>;

/** What is needed to look for objects of a stack in the clouds. */
export interface Clouds {
  readonly variables: Variables;
  /** Owner of the GitHub repository. */
  readonly owner?: string;
  /** The stack's state: ids that the plan didn't know yet. */
  readonly state: StateDocument;
}

/** Thrown when an object is there and can't be taken over yet. */
export class StillBeingMade extends Error {
  constructor() {
    super("it is still being made; deploy again in a few minutes");
    this.name = "StillBeingMade";
  }
}

/** An object that is there. */
export interface CloudObject {
  /** What `terraform import` takes. */
  readonly id: string;
  /** When it was made, as its cloud tells it, if it does. */
  readonly createdAt?: string;
}

type Found = CloudObject | string | undefined;
type Find = (wanted: Wanted, clouds: Clouds) => Promise<Found> | Found;

/**
 * How an object that "already exists" is found, by type: the id that `terraform import` takes, which is the provider's to define
 * (see "Import" on the page of each resource in its documentation). Types that aren't here either can be created over what is
 * there (Actions secrets, environments, members of a project), or can't be taken over.
 */
const FINDERS: Readonly<Record<string, Find>> = {
  digitalocean_project: async ({ name }, clouds) =>
    byName(await digitalOcean("projects", "projects", clouds), name),
  digitalocean_vpc: async ({ name }, clouds) => byName(await digitalOcean("vpcs", "vpcs", clouds), name),
  digitalocean_kubernetes_cluster: async ({ name }, clouds) =>
    byName(await digitalOcean("kubernetes/clusters", "kubernetes_clusters", clouds), name),
  digitalocean_kubernetes_node_pool: nodePool,
  digitalocean_domain: ({ name }) => String(name),
  kubernetes_namespace_v1: (wanted) => metadataOf(wanted).name,
  kubernetes_config_map_v1: (wanted) => `${metadataOf(wanted).namespace}/${metadataOf(wanted).name}`,
  github_actions_environment_variable: ({ repository, environment, variable_name }) =>
    `${repository}:${environment}:${variable_name}`,
  github_repository_environment_deployment_policy: async (wanted, clouds) => {
    const { repository, environment, branch_pattern } = wanted;
    const path = `environments/${encodeURIComponent(String(environment))}/deployment-branch-policies`;
    const found = (await gitHub(path, "branch_policies", wanted, clouds)).find(
      ({ name, type = "branch" }) => name === branch_pattern && type === "branch",
    );
    return found && `${repository}:${environment}:${found.id}`;
  },
  github_repository_deploy_key: async (wanted, clouds) => {
    const found = (await gitHub("keys", undefined, wanted, clouds)).find(
      ({ key }) => withoutComment(key) === withoutComment(wanted.key),
    );
    return found && { id: `${wanted.repository}:${found.id}`, createdAt: found.created_at };
  },
  github_repository_webhook: async (wanted, clouds) => {
    const [configuration] = wanted.configuration as Array<{ url?: string }>;
    const found = (await gitHub("hooks", undefined, wanted, clouds)).find(
      ({ config }) => (config as { url?: string }).url === configuration?.url,
    );
    return found && { id: `${wanted.repository}/${found.id}`, createdAt: found.created_at };
  },
};

/** Whether an object of a type can be taken over at all. */
export function isAdoptable(type: string): boolean {
  return type in FINDERS;
}

/**
 * The object that has the name a resource wants, with the id by which it is imported; undefined when there is none.
 * @throws ApiUnavailable, StillBeingMade, or an Error with what the cloud answered
 */
export async function findObject(
  type: string,
  wanted: Wanted,
  clouds: Clouds,
): Promise<CloudObject | undefined> {
  const found = await FINDERS[type]?.(wanted, clouds);
  return typeof found === "string" ? { id: found } : found;
}

/**
 * Whether a cloud has a DNS zone. Zones are the one kind that others make under the same name and that doesn't say when it was made.
 * @throws ApiUnavailable, or an Error with what the cloud answered
 */
export async function hasZone(name: string, clouds: Clouds): Promise<boolean> {
  return (await digitalOcean("domains", "domains", clouds)).some((zone) => zone.name === name);
}

interface Listed {
  readonly id: string | number;
  readonly name?: string;
  readonly type?: string;
  readonly key?: string;
  readonly config?: unknown;
  readonly created_at?: string;
  readonly nodes?: ReadonlyArray<{ readonly status?: { readonly state?: string } }>;
}

async function nodePool({ name }: Wanted, clouds: Clouds): Promise<string | undefined> {
  const cluster = clouds.state.resources?.find(({ type }) => type === "digitalocean_kubernetes_cluster");
  const clusterId = cluster?.instances[0]?.attributes?.id;
  if (typeof clusterId !== "string") return undefined;
  const path = `kubernetes/clusters/${encodeURIComponent(clusterId)}/node_pools`;
  const found = (await digitalOcean(path, "node_pools", clouds)).find((pool) => pool.name === name);
  // What it replaces goes as soon as it is taken over.
  if (found?.nodes?.some(({ status }) => status?.state !== "running")) throw new StillBeingMade();
  return found && String(found.id);
}

function metadataOf({ metadata }: Wanted): { name?: string; namespace?: string } {
  return (metadata as Array<{ name?: string; namespace?: string }> | undefined)?.[0] ?? {};
}

function byName(objects: readonly Listed[], name: unknown): CloudObject | undefined {
  const [found, ...others] = objects.filter((object) => object.name === name);
  return found && others.length === 0 ? { id: String(found.id), createdAt: found.created_at } : undefined;
}

/** Type and key: GitHub doesn't keep what is behind them. */
function withoutComment(key: unknown): string {
  return String(key).trim().split(/\s+/).slice(0, 2).join(" ");
}

function digitalOcean(path: string, list: string, { variables }: Clouds): Promise<Listed[]> {
  return listDigitalOcean(path, list, variables);
}

function gitHub(
  path: string,
  list: string | undefined,
  { repository }: Wanted,
  { variables, owner }: Clouds,
): Promise<Listed[]> {
  return listAll({
    service: "GitHub",
    url: `${gitHubApi(variables)}repos/${owner}/${repository}/${path}?per_page=100`,
    token: variables.GITHUB_TOKEN,
    list,
  });
}
