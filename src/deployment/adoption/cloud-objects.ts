import type { StateDocument, Variables } from "../../terraform";
import { digitalOceanList, gitHubDelete, gitHubList, type List } from "../cloud-api";

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

/** An object that is there. */
export interface CloudObject {
  /** What `terraform import` takes. */
  readonly id: string;
  /** When it was made, as its cloud tells it, if it does. */
  readonly createdAt?: string;
  /** How far the clock of its cloud is ahead of this machine's. */
  readonly clockAheadMs?: number;
  /** Where it can't be imported and has no content of its own: how it is deleted, so that Terraform makes it again. */
  readonly remove?: () => Promise<void>;
}

/** Thrown when an object is there and can't be taken over yet. */
export class StillBeingMade extends Error {
  constructor(readonly object: CloudObject) {
    super("it is still being made; deploy again in a few minutes");
    this.name = "StillBeingMade";
  }
}

type Found = CloudObject | string | undefined;
type Find = (wanted: Wanted, clouds: Clouds) => Promise<Found> | Found;

/**
 * How an object that "already exists" is found, by type: the id that `terraform import` takes, which is the provider's to define
 * (see "Import" on the page of each resource in its documentation). Types that aren't here either can be created over what is
 * there (Actions secrets and variables, environments, members of a project), or can't be taken over.
 */
const FINDERS: Readonly<Record<string, Find>> = {
  digitalocean_project: async ({ name }, clouds) =>
    byName(await digitalOcean("projects", "projects", clouds), name),
  digitalocean_vpc: async ({ name }, clouds) => byName(await digitalOcean("vpcs", "vpcs", clouds), name),
  digitalocean_kubernetes_cluster: cluster,
  digitalocean_kubernetes_node_pool: nodePool,
  digitalocean_domain: async ({ name }, clouds) =>
    (await hasZone(String(name), clouds)) ? String(name) : undefined,
  kubernetes_namespace_v1: (wanted) => metadataOf(wanted).name,
  kubernetes_config_map_v1: (wanted) => `${metadataOf(wanted).namespace}/${metadataOf(wanted).name}`,
  // The provider imports only a part of it: an imported one would be replaced.
  github_repository_environment_deployment_policy: async (wanted, clouds) => {
    const { repository, environment, branch_pattern } = wanted;
    const path = `environments/${encodeURIComponent(String(environment))}/deployment-branch-policies`;
    const { objects } = await gitHub(path, "branch_policies", wanted, clouds);
    const found = objects.find(({ name, type = "branch" }) => name === branch_pattern && type === "branch");
    return (
      found && {
        id: `${repository}:${environment}:${found.id}`,
        remove: () => gitHubDelete(`${clouds.owner}/${repository}/${path}/${found.id}`, clouds.variables),
      }
    );
  },
  github_repository_deploy_key: async (wanted, clouds) => {
    const { objects, clockAheadMs } = await gitHub("keys", undefined, wanted, clouds);
    const found = objects.find(({ key }) => withoutComment(key) === withoutComment(wanted.key));
    return found && { id: `${wanted.repository}:${found.id}`, createdAt: found.created_at, clockAheadMs };
  },
  github_repository_webhook: async (wanted, clouds) => {
    const [configuration] = wanted.configuration as Array<{ url?: string }>;
    const { objects, clockAheadMs } = await gitHub("hooks", undefined, wanted, clouds);
    const found = objects.find(({ config }) => (config as { url?: string }).url === configuration?.url);
    return found && { id: `${wanted.repository}/${found.id}`, createdAt: found.created_at, clockAheadMs };
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
  const { objects } = await digitalOcean("domains", "domains", clouds);
  return objects.some((zone) => zone.name === name);
}

/** States in which a cluster can be worked with, or soon can again. */
const USABLE: readonly unknown[] = ["running", "degraded", "upgrading", undefined];

/** @throws StillBeingMade, or an Error for a cluster that is of no use */
async function cluster({ name }: Wanted, clouds: Clouds): Promise<CloudObject | undefined> {
  const list = await digitalOcean("kubernetes/clusters", "kubernetes_clusters", clouds);
  const object = byName(list, name);
  const status = list.objects.find(({ id }) => String(id) === object?.id)?.status;
  if (object === undefined || USABLE.includes(status?.state)) return object;
  if (status?.state === "provisioning") throw new StillBeingMade(object);
  throw new Error(
    `the cluster ${object.id} has the status ${[status?.state, status?.message].filter(Boolean).join(": ")}. Delete it at cloud.digitalocean.com (nothing runs in it), then deploy again`,
  );
}

async function nodePool({ name }: Wanted, clouds: Clouds): Promise<CloudObject | undefined> {
  const owner = clouds.state.resources?.find(({ type }) => type === "digitalocean_kubernetes_cluster");
  const clusterId = owner?.instances[0]?.attributes?.id;
  if (typeof clusterId !== "string") return undefined;
  const path = `kubernetes/clusters/${encodeURIComponent(clusterId)}/node_pools`;
  const { objects, clockAheadMs } = await digitalOcean(path, "node_pools", clouds);
  const found = objects.find((pool) => pool.name === name);
  if (found === undefined) return undefined;
  // A pool doesn't say when it was made; its first node does.
  const [createdAt] = (found.nodes ?? []).flatMap(({ created_at }) => created_at ?? []).sort();
  const object = { id: String(found.id), createdAt, clockAheadMs };
  // What it replaces goes as soon as it is taken over.
  if (found.nodes?.some(({ status }) => status?.state !== "running")) throw new StillBeingMade(object);
  return object;
}

function metadataOf({ metadata }: Wanted): { name?: string; namespace?: string } {
  return (metadata as Array<{ name?: string; namespace?: string }> | undefined)?.[0] ?? {};
}

function byName({ objects, clockAheadMs }: List, name: unknown): CloudObject | undefined {
  const [found, ...others] = objects.filter((object) => object.name === name);
  if (found === undefined || others.length > 0) return undefined;
  return { id: String(found.id), createdAt: found.created_at, clockAheadMs };
}

/** Type and key: GitHub doesn't keep what is behind them. */
function withoutComment(key: unknown): string {
  return String(key).trim().split(/\s+/).slice(0, 2).join(" ");
}

function digitalOcean(path: string, list: string, { variables }: Clouds): Promise<List> {
  return digitalOceanList(path, list, variables);
}

function gitHub(
  path: string,
  list: string | undefined,
  { repository }: Wanted,
  { variables, owner }: Clouds,
): Promise<List> {
  return gitHubList(`${owner}/${repository}`, path, list, variables);
}
