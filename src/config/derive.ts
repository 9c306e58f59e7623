import { APPLICATIONS, STORAGE_CLASSES, type StorageClassName, statedSizes } from "./application-catalogue";
import { type NodeSize, nodeSize } from "./node-sizes";
import { profileOf, profilesFor, type ResourceProfile, type Storage, storageFor } from "./resource-profiles";
import type {
  ApplicationConfiguration,
  Configuration,
  EnvironmentConfiguration,
  GitHubPlan,
  PoolConfiguration,
} from "./schema";

/** Everything that follows from the configuration. Nothing below src/config reads the file's own form. */
export interface Project {
  readonly name: string;
  readonly domain: string;
  readonly email: string;
  readonly description: string;
  /** Where the images of the applications that are built by yourself are: `ghcr.io/my-company`, without a slash at the end. */
  readonly registry: string;
  readonly environments: readonly Environment[];
  readonly github?: GitHubRepository;
  readonly state: StateBackend;
}

export interface GitHubRepository {
  readonly owner: string;
  readonly repository: string;
  readonly branch: string;
  /** The owner's plan, where the configuration names it. */
  readonly plan?: GitHubPlan;
}

export type StateBackend = { readonly backend: "local" } | SpacesBackend;

/** States in a bucket. */
export interface SpacesBackend {
  readonly backend: "spaces";
  readonly bucket: string;
  readonly region: string;
  /** `https://<region>.digitaloceanspaces.com` unless the configuration names another S3 store. */
  readonly endpoint: string;
  /** The configuration names the endpoint itself: the store is another one than Spaces, or stands in for it. */
  readonly ownEndpoint: boolean;
  /** Terraform locks with a file in the bucket. */
  readonly lockfile: boolean;
}

export interface Environment {
  readonly name: string;
  /** Production is protected: nothing in it can be destroyed by a plan. */
  readonly production: boolean;
  readonly domain: string;
  readonly cluster: Cluster;
  readonly resourceProfiles: Readonly<Record<string, ResourceProfile>>;
  readonly storage: Readonly<Record<StorageClassName, Storage>>;
  readonly networking: Networking;
  readonly applications: Readonly<Record<string, Application>>;
  /** GitHub users (`ada`) and teams (`acme/platform`) who may approve a deployment. */
  readonly reviewers: readonly string[];
}

export interface Cluster {
  /** `<project>-<environment>`. */
  readonly name: string;
  readonly region: string;
  readonly node: NodeSize;
  readonly nodeCount: number;
  /** Absent without autoscaling. */
  readonly autoscaling?: Autoscaling;
  readonly haControlPlane: boolean;
  /** A minor version such as `1.34`; absent: the newest. */
  readonly version?: string;
  /** Absent: chosen by DigitalOcean. */
  readonly vpcIpRange?: string;
  readonly maintenance: { readonly day: string; readonly startTime: string };
  readonly pools: readonly NodePool[];
}

export interface Autoscaling {
  readonly minNodes: number;
  readonly maxNodes: number;
}

export interface NodePool {
  readonly name: string;
  readonly node: NodeSize;
  readonly nodeCount: number;
  readonly autoscaling?: Autoscaling;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: ReadonlyArray<{ readonly key: string; readonly value: string; readonly effect: string }>;
}

export interface Networking {
  readonly ingressClass: string;
  /** Replicas of the ingress controller. */
  readonly ingressReplicas: number;
  /** DigitalOcean's size unit of the load balancer: its number of nodes. */
  readonly loadBalancerSizeUnit: number;
}

export interface Application {
  /** Absent where its own document states the resources and the configuration names no profile for it. */
  readonly profile?: string;
  readonly resources: ResourceProfile;
  readonly storage: Storage & { readonly class: StorageClassName };
  /** The fewest ones where `maxReplicas` is there too. */
  readonly replicas: number;
  /** Most replicas of an application that scales by itself. */
  readonly maxReplicas?: number;
}

const DEFAULT_MAINTENANCE = { day: "sunday", startTime: "04:00" };
export const PRODUCTION = "production";

/** Whether a tree deploys an application of the catalogue in an environment. */
export type IsInTree = (environment: string, application: string) => boolean;

/**
 * Derives the project from a configuration that validate() has passed.
 * @param isInTree leaves out what neither the tree nor the configuration has; default: the whole catalogue counts
 */
export function deriveProject(configuration: Configuration, isInTree: IsInTree = () => true): Project {
  const { project, github } = configuration;
  return {
    name: project.name,
    domain: project.domain,
    email: project.email,
    description: project.description ?? "",
    registry:
      project.registry ?? (github ? `ghcr.io/${github.owner.toLowerCase()}` : `registry.${project.domain}`),
    environments: configuration.environments.map((environment) =>
      deriveEnvironment(configuration, environment, isInTree),
    ),
    github: github && {
      owner: github.owner,
      repository: github.repository,
      branch: github.branch ?? "main",
      ...(github.plan ? { plan: github.plan } : {}),
    },
    state: deriveState(configuration.state),
  };
}

/** The domain of an environment that names none: production has the project's, the others a subdomain of it. */
export function defaultDomain(projectDomain: string, environment: string): string {
  return environment === PRODUCTION ? projectDomain : `${environment}.${projectDomain}`;
}

/** The profile of applications that name none. */
export function defaultProfile(environment: Pick<EnvironmentConfiguration, "name" | "profile">): string {
  return environment.profile ?? (environment.name === PRODUCTION ? "large" : "small");
}

/** The name of a project's cluster in an environment. */
export function clusterName(project: string, environment: string): string {
  return `${project}-${environment}`;
}

/** The profiles of an environment: derived from the node size, then the project's own, then the environment's own. */
export function environmentProfiles(
  configuration: Pick<Configuration, "resourceProfiles">,
  environment: EnvironmentConfiguration,
): Record<string, ResourceProfile> {
  const own = { ...configuration.resourceProfiles, ...environment.resourceProfiles };
  return {
    ...profilesFor(sizeOf(environment.cluster.nodeSize)),
    ...Object.fromEntries(Object.entries(own).map(([name, resources]) => [name, profileOf(resources)])),
  };
}

/** What an environment's applications were given: the catalogue's, the project's and its own entries, merged in that order. */
export function environmentApplications(
  configuration: Pick<Configuration, "applications">,
  environment: EnvironmentConfiguration,
  isInTree: IsInTree = () => true,
): Record<string, ApplicationConfiguration> {
  const names = [
    ...Object.keys(APPLICATIONS).filter((name) => isInTree(environment.name, name)),
    ...Object.keys(configuration.applications ?? {}),
    ...Object.keys(environment.applications ?? {}),
  ];
  return Object.fromEntries(
    [...new Set(names)]
      .sort()
      .map((name) => [name, { ...configuration.applications?.[name], ...environment.applications?.[name] }]),
  );
}

function deriveEnvironment(
  configuration: Configuration,
  environment: EnvironmentConfiguration,
  isInTree: IsInTree,
): Environment {
  const cluster = deriveCluster(configuration.project.name, environment);
  const resourceProfiles = environmentProfiles(configuration, environment);
  const storage = deriveStorage(environment, cluster.node);
  return {
    name: environment.name,
    production: environment.name === PRODUCTION,
    domain: environment.domain ?? defaultDomain(configuration.project.domain, environment.name),
    cluster,
    resourceProfiles,
    storage,
    networking: deriveNetworking(environment, cluster),
    reviewers:
      environment.reviewers ??
      (environment.name === PRODUCTION ? configuration.github?.reviewers : undefined) ??
      [],
    applications: Object.fromEntries(
      Object.entries(environmentApplications(configuration, environment, isInTree)).map(
        ([name, application]) => [
          name,
          deriveApplication(name, application, { environment, cluster, resourceProfiles, storage }),
        ],
      ),
    ),
  };
}

interface ApplicationContext {
  readonly environment: EnvironmentConfiguration;
  readonly cluster: Cluster;
  readonly resourceProfiles: Readonly<Record<string, ResourceProfile>>;
  readonly storage: Readonly<Record<StorageClassName, Storage>>;
}

/** Where the states are, with what follows from the region. */
function deriveState(state: Configuration["state"]): StateBackend {
  if (state?.backend !== "spaces") return { backend: "local" };
  const { bucket, region, endpoint, lockfile = true } = state;
  return {
    backend: "spaces",
    bucket,
    region,
    // As a request needs it: without the slash that an address may end with.
    endpoint: endpoint?.replace(/\/$/, "") ?? `https://${region}.digitaloceanspaces.com`,
    ownEndpoint: endpoint !== undefined,
    lockfile,
  };
}

/** What the configuration says of an application, else what its document states, else what the environment has. */
function deriveApplication(
  name: string,
  configured: ApplicationConfiguration,
  { environment, cluster, resourceProfiles, storage }: ApplicationContext,
): Application {
  const defaults = APPLICATIONS[name];
  const stated = statedSizes(name, environment.name);
  const profile = configured.profile ?? (stated.resources ? undefined : defaultProfile(environment));
  const resources = profile === undefined ? stated.resources : resourceProfiles[profile];
  if (!resources)
    throw new Error(`application ${name}: profile ${profile} is unknown (validate() lets this pass?)`);
  const storageClass = configured.storage ?? defaults?.storage ?? "fast";
  const { storageClass: className, size } = storage[storageClass];
  const replicas =
    configured.replicas ?? stated.replicas ?? (cluster.haControlPlane && !defaults?.singleReplica ? 2 : 1);
  const maxReplicas =
    configured.maxReplicas ?? (stated.maxReplicas && Math.max(stated.maxReplicas, replicas));
  return {
    ...(profile === undefined ? {} : { profile }),
    resources,
    storage: {
      class: storageClass,
      storageClass: className,
      size: configured.storage === undefined ? (stated.storageSize ?? size) : size,
    },
    replicas,
    ...(maxReplicas === undefined ? {} : { maxReplicas }),
  };
}

function deriveCluster(project: string, { name, cluster }: EnvironmentConfiguration): Cluster {
  return {
    name: clusterName(project, name),
    region: cluster.region,
    node: sizeOf(cluster.nodeSize),
    nodeCount: cluster.nodeCount,
    autoscaling: deriveAutoscaling(cluster),
    haControlPlane: cluster.haControlPlane ?? false,
    version: cluster.version,
    vpcIpRange: cluster.vpcIpRange,
    maintenance: cluster.maintenance ?? DEFAULT_MAINTENANCE,
    pools: (cluster.pools ?? []).map((pool) => ({
      name: pool.name,
      node: sizeOf(pool.nodeSize),
      nodeCount: pool.nodeCount,
      autoscaling: deriveAutoscaling(pool),
      labels: pool.labels ?? {},
      taints: (pool.taints ?? []).map(({ key, value, effect }) => ({ key, value: value ?? "", effect })),
    })),
  };
}

function deriveAutoscaling({
  minNodes,
  maxNodes,
}: Pick<PoolConfiguration, "minNodes" | "maxNodes">): Autoscaling | undefined {
  return minNodes !== undefined && maxNodes !== undefined ? { minNodes, maxNodes } : undefined;
}

function deriveStorage(
  environment: EnvironmentConfiguration,
  node: NodeSize,
): Record<StorageClassName, Storage> {
  const derived = storageFor(node);
  const of = (name: StorageClassName): Storage => ({
    storageClass: environment.storage?.[name]?.storageClass ?? derived[name].storageClass,
    size: environment.storage?.[name]?.size ?? derived[name].size,
  });
  const [fast, bulk] = STORAGE_CLASSES;
  return { [fast]: of(fast), [bulk]: of(bulk) } as Record<StorageClassName, Storage>;
}

/** Nodes that a pool has at most: where it scales by itself, its maximum. */
export function mostNodes({ nodeCount, autoscaling }: Pick<NodePool, "nodeCount" | "autoscaling">): number {
  return autoscaling?.maxNodes ?? nodeCount;
}

/**
 * The ingress follows the cluster: two replicas and two load balancer nodes where the control plane is highly
 * available, and one more load balancer node for every ten workload nodes (DigitalOcean counts capacity by node).
 */
function deriveNetworking(
  { ingress }: EnvironmentConfiguration,
  { haControlPlane, nodeCount, autoscaling }: Cluster,
): Networking {
  const most = mostNodes({ nodeCount, autoscaling });
  const redundancy = haControlPlane ? 2 : 1;
  return {
    ingressClass: ingress ?? "traefik",
    ingressReplicas: Math.min(redundancy, nodeCount),
    loadBalancerSizeUnit: Math.max(redundancy, Math.ceil(most / 10)),
  };
}

function sizeOf(slug: string): NodeSize {
  const size = nodeSize(slug);
  if (!size) throw new Error(`node size ${slug} can't be read (validate() lets this pass?)`);
  return size;
}
