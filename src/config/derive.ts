import { APPLICATIONS, STORAGE_CLASSES, type StorageClassName } from "./application-catalogue";
import { type NodeSize, nodeSize } from "./node-sizes";
import { profileOf, profilesFor, type ResourceProfile, type Storage, storageFor } from "./resource-profiles";
import type {
  ApplicationConfiguration,
  Configuration,
  EnvironmentConfiguration,
  PoolConfiguration,
} from "./schema";

/** Everything that follows from the configuration. Nothing below src/config reads the file's own form. */
export interface Project {
  readonly name: string;
  readonly domain: string;
  readonly email: string;
  readonly description: string;
  readonly environments: readonly Environment[];
  readonly github?: GitHubRepository;
  readonly state: StateBackend;
}

export interface GitHubRepository {
  readonly owner: string;
  readonly repository: string;
  readonly branch: string;
  /** GitHub users who may approve a deployment to production. */
  readonly reviewers: readonly string[];
}

export type StateBackend =
  | { readonly backend: "local" }
  | { readonly backend: "spaces"; readonly bucket: string; readonly region: string };

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
  readonly profile: string;
  readonly resources: ResourceProfile;
  readonly storage: Storage & { readonly class: StorageClassName };
  readonly replicas: number;
}

const DEFAULT_MAINTENANCE = { day: "sunday", startTime: "04:00" };
export const PRODUCTION = "production";

/** Derives the project from a configuration that validate() has passed. */
export function deriveProject(configuration: Configuration): Project {
  const { project, github } = configuration;
  return {
    name: project.name,
    domain: project.domain,
    email: project.email,
    description: project.description ?? "",
    environments: configuration.environments.map((environment) =>
      deriveEnvironment(configuration, environment),
    ),
    github: github && {
      owner: github.owner,
      repository: github.repository,
      branch: github.branch ?? "main",
      reviewers: github.reviewers ?? [github.owner],
    },
    state: configuration.state ?? { backend: "local" },
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
): Record<string, ApplicationConfiguration> {
  const names = [
    ...Object.keys(APPLICATIONS),
    ...Object.keys(configuration.applications ?? {}),
    ...Object.keys(environment.applications ?? {}),
  ];
  return Object.fromEntries(
    [...new Set(names)]
      .sort()
      .map((name) => [name, { ...configuration.applications?.[name], ...environment.applications?.[name] }]),
  );
}

function deriveEnvironment(configuration: Configuration, environment: EnvironmentConfiguration): Environment {
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
    networking: deriveNetworking(cluster),
    applications: Object.fromEntries(
      Object.entries(environmentApplications(configuration, environment)).map(([name, application]) => {
        const defaults = APPLICATIONS[name];
        const profile = application.profile ?? defaultProfile(environment);
        const storageClass = application.storage ?? defaults?.storage ?? "fast";
        const resources = resourceProfiles[profile];
        if (!resources)
          throw new Error(`application ${name}: profile ${profile} is unknown (validate() lets this pass?)`);
        const replicas = application.replicas ?? (cluster.haControlPlane && !defaults?.singleReplica ? 2 : 1);
        return [
          name,
          { profile, resources, storage: { class: storageClass, ...storage[storageClass] }, replicas },
        ];
      }),
    ),
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

/**
 * The ingress follows the cluster: two replicas and two load balancer nodes where the control plane is highly
 * available, and one more load balancer node for every ten workload nodes (DigitalOcean counts capacity by node).
 */
function deriveNetworking({ haControlPlane, nodeCount, autoscaling }: Cluster): Networking {
  const most = autoscaling?.maxNodes ?? nodeCount;
  const redundancy = haControlPlane ? 2 : 1;
  return {
    ingressClass: "traefik",
    ingressReplicas: Math.min(redundancy, nodeCount),
    loadBalancerSizeUnit: Math.max(redundancy, Math.ceil(most / 10)),
  };
}

function sizeOf(slug: string): NodeSize {
  const size = nodeSize(slug);
  if (!size) throw new Error(`node size ${slug} can't be read (validate() lets this pass?)`);
  return size;
}
