import {
  environmentOf,
  readStackDocument,
  readState,
  type StateDocument,
  type SynthesizedStack,
  type Variables,
} from "../terraform";

/** What the state has of a deployed cluster; undefined where the state doesn't have it. */
export interface DeployedCluster {
  readonly region?: string;
  /** DigitalOcean's version, such as `1.34.1-do.2`. */
  readonly version?: string;
  readonly vpcIpRange?: string;
  /** The domain that belongs to the stack: production's only. */
  readonly domain?: string;
}

/**
 * By environment, what its cluster is as of the last deploy. Unlike a plan it is known too where Terraform refuses to plan. It is read
 * from the resources in the state: outputs are no source, since a failed apply writes the values there that it was meant to reach.
 * @throws Error, or TerraformError, for a state that can't be read
 */
export async function deployedClusters(
  stacks: readonly SynthesizedStack[],
  variables: Variables,
): Promise<ReadonlyMap<string, DeployedCluster>> {
  const clusters = stacks.filter(({ name }) => name.endsWith("-cluster"));
  const entries = await Promise.all(
    clusters.map(async (stack) => {
      const state = await readState({ ...stack, document: readStackDocument(stack) }, variables);
      return [environmentOf(stack), deployedCluster(state)] as const;
    }),
  );
  return new Map(entries);
}

/** What a state has of the cluster. What an interrupted run left half made (tainted), or what waits to be deleted, doesn't count. */
export function deployedCluster({ resources = [] }: StateDocument): DeployedCluster {
  const value = (type: string, attribute: string): string | undefined => {
    const resource = resources.find((one) => one.mode === "managed" && one.type === type);
    const instance = resource?.instances.find(({ status, deposed }) => status !== "tainted" && !deposed);
    const found = instance?.attributes?.[attribute];
    return typeof found === "string" && found !== "" ? found : undefined;
  };
  return {
    region: value("digitalocean_kubernetes_cluster", "region"),
    version: value("digitalocean_kubernetes_cluster", "version"),
    vpcIpRange: value("digitalocean_vpc", "ip_range"),
    domain: value("digitalocean_domain", "name"),
  };
}
