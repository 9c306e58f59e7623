import { VARIABLE_PREFIX } from "../flux";
import {
  environmentOf,
  readState,
  type StateDocument,
  type SynthesizedStack,
  type Variables,
} from "../terraform";
import { deployedValue } from "./deployed-value";
import { type DeployedRepository, deployedRepository } from "./followed-repository";

/** What the state has of a deployed cluster; undefined where the state doesn't have it. */
export interface DeployedCluster {
  /** The cluster's own name, `<project>-<environment>`. */
  readonly name?: string;
  readonly region?: string;
  /** DigitalOcean's version, such as `1.34.1-do.2`. */
  readonly version?: string;
  readonly vpcIpRange?: string;
  /** The domain that belongs to the stack: production's only. */
  readonly domain?: string;
  /** The domain that the environment's hosts are below, as its ConfigMaps have it. */
  readonly hosts?: string;
  /** The repository that Flux follows. */
  readonly github?: DeployedRepository;
}

/**
 * By environment, what its cluster (and the repository that it follows) is as of the last deploy. Unlike a plan it is known too where Terraform refuses to plan. It is read
 * from the resources in the state: outputs are no source, since a failed apply writes the values there that it was meant to reach.
 * @throws Error, or TerraformError, for a state that can't be read
 */
export async function deployedClusters(
  stacks: readonly SynthesizedStack[],
  variables: Variables,
): Promise<ReadonlyMap<string, DeployedCluster>> {
  const environments = [...new Set(stacks.map(environmentOf))];
  const stateOf = async (name: string): Promise<StateDocument> => {
    const stack = stacks.find((one) => one.name === name);
    return stack ? readState(stack, variables) : {};
  };
  const entries = await Promise.all(
    environments.map(async (environment) => {
      const [cluster, configuration, secrets] = await Promise.all(
        ["cluster", "flux-configuration", "github-secrets"].map((kind) => stateOf(`${environment}-${kind}`)),
      );
      return [
        environment,
        {
          ...deployedCluster(cluster as StateDocument),
          hosts: deployedHosts(configuration as StateDocument),
          github: deployedRepository(secrets as StateDocument),
        },
      ] as const;
    }),
  );
  return new Map(entries);
}

const HOSTS_VARIABLE = `${VARIABLE_PREFIX}_cluster_domain`;

/** The domain that applications get from the ConfigMaps of a state. */
export function deployedHosts({ resources = [] }: StateDocument): string | undefined {
  return resources
    .filter(({ mode, type }) => mode === "managed" && type === "kubernetes_config_map_v1")
    .flatMap(({ instances }) => instances)
    .map(({ attributes }) => (attributes?.data as Record<string, string> | undefined)?.[HOSTS_VARIABLE])
    .find((domain) => domain !== undefined);
}

/** What a state has of the cluster. What an interrupted run left half made (tainted), or what waits to be deleted, doesn't count. */
export function deployedCluster(state: StateDocument): DeployedCluster {
  return {
    name: deployedValue(state, "digitalocean_kubernetes_cluster", "name"),
    region: deployedValue(state, "digitalocean_kubernetes_cluster", "region"),
    version: deployedValue(state, "digitalocean_kubernetes_cluster", "version"),
    vpcIpRange: deployedValue(state, "digitalocean_vpc", "ip_range"),
    domain: deployedValue(state, "digitalocean_domain", "name"),
  };
}
