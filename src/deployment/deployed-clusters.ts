import { environmentOf, type SynthesizedStack, stateOutputs, type Variables } from "../terraform";

/** What a deployed cluster's stack says of it; undefined where it was deployed before the stack told that. */
export interface DeployedCluster {
  readonly region?: string;
  /** DigitalOcean's version, such as `1.34.1-do.2`. */
  readonly version?: string;
  readonly vpcIpRange?: string;
  /** The domain that belongs to the stack: production's only. */
  readonly domain?: string;
}

/**
 * By environment, what its cluster is as of the last deploy, from the outputs in the state of its stack. Unlike a plan it is known
 * too where Terraform refuses to plan.
 * @throws Error, or TerraformError, for a state that can't be read
 */
export async function deployedClusters(
  stacks: readonly SynthesizedStack[],
  variables: Variables,
): Promise<ReadonlyMap<string, DeployedCluster>> {
  const clusters = stacks.filter(({ name }) => name.endsWith("-cluster"));
  const entries = await Promise.all(
    clusters.map(async (stack) => {
      const outputs = await stateOutputs(stack, variables);
      const text = (name: string): string | undefined =>
        typeof outputs[name] === "string" && outputs[name] !== "" ? outputs[name] : undefined;
      return [
        environmentOf(stack),
        {
          region: text("region"),
          version: text("cluster_version"),
          vpcIpRange: text("vpc_ip_range"),
          domain: text("domain_name"),
        },
      ] as const;
    }),
  );
  return new Map(entries.filter(([, cluster]) => cluster.region !== undefined));
}
