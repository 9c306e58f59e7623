import {
  environmentOf,
  readStackDocument,
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
    return stack ? readState({ ...stack, document: readStackDocument(stack) }, variables) : {};
  };
  const entries = await Promise.all(
    environments.map(async (environment) => {
      const [cluster, secrets] = await Promise.all([
        stateOf(`${environment}-cluster`),
        stateOf(`${environment}-github-secrets`),
      ]);
      return [environment, { ...deployedCluster(cluster), github: deployedRepository(secrets) }] as const;
    }),
  );
  return new Map(entries);
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
