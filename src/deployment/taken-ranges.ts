import { listDigitalOcean } from "../api-client";
import { type Project, rangesOverlap } from "../config";
import type { StackPlan } from "../terraform";
import type { Workspace } from "../workspace";

const VPC_TYPE = "digitalocean_vpc";

interface Network {
  readonly name: string;
  readonly ip_range?: string;
}

interface Cluster {
  readonly name: string;
  /** Of pods. */
  readonly cluster_subnet?: string;
  readonly service_subnet?: string;
}

/** Whether a plan creates a VPC. */
export function createsVpc({ changes }: Pick<StackPlan, "changes">): boolean {
  return changes.some(
    ({ type, action }) => type === VPC_TYPE && (action === "create" || action === "replace"),
  );
}

/**
 * Configured ranges of VPCs that plans create and that overlap a VPC of the account, or the pods' or services' range of a cluster in it:
 * DigitalOcean refuses those in the middle of the deploy. A network of the same name is left to the import of what is there.
 */
export async function takenRanges(
  plans: readonly StackPlan[],
  { project, variables }: Pick<Workspace, "project" | "variables">,
): Promise<{ readonly refusals: readonly string[]; readonly notes: readonly string[] }> {
  const wanted = configuredRanges(project).filter(({ index }) =>
    plans.some(
      (plan) => plan.stack.name === `${project.environments[index]?.name}-cluster` && createsVpc(plan),
    ),
  );
  if (wanted.length === 0) return { refusals: [], notes: [] };
  try {
    const overlaps = await overlapsInAccount(wanted, variables);
    return { refusals: overlaps.map(({ problem, fix }) => `${problem}. ${fix}`), notes: [] };
  } catch (error) {
    return {
      refusals: [],
      notes: [`The IP ranges could not be compared with those of the account: ${(error as Error).message}`],
    };
  }
}

/** A configured range, and the name that its own network and cluster have in the account. */
export interface WantedRange {
  /** The environment's place in the configuration. */
  readonly index: number;
  readonly range: string;
  readonly own: string;
}

/** The configured ranges of all environments. */
export function configuredRanges({ environments }: Pick<Project, "environments">): WantedRange[] {
  return environments.flatMap(({ cluster }, index) =>
    cluster.vpcIpRange === undefined ? [] : [{ index, range: cluster.vpcIpRange, own: cluster.name }],
  );
}

/**
 * What of the account overlaps configured ranges: the path and the reason, and the fix.
 * @throws Error when the account can't be read
 */
export async function overlapsInAccount(
  wanted: readonly WantedRange[],
  variables: Workspace["variables"],
): Promise<Array<{ readonly problem: string; readonly fix: string }>> {
  const [networks, clusters] = await Promise.all([
    listDigitalOcean<Network>("vpcs", "vpcs", variables),
    listDigitalOcean<Cluster>("kubernetes/clusters", "kubernetes_clusters", variables),
  ]);
  const taken = [
    ...networks.map(({ name, ip_range }) => ({ name, range: ip_range, what: `the VPC ${name}` })),
    ...clusters.flatMap(({ name, cluster_subnet, service_subnet }) => [
      { name, range: cluster_subnet, what: `the pods of the cluster ${name}` },
      { name, range: service_subnet, what: `the services of the cluster ${name}` },
    ]),
  ];
  return wanted.flatMap(({ index, range, own }) =>
    taken
      .filter((one) => one.name !== own && one.range !== undefined && rangesOverlap(one.range, range))
      .map((one) => ({
        problem: `environments[${index}].cluster.vpcIpRange: ${range} overlaps ${one.range} of ${one.what} in this DigitalOcean account, which refuses that`,
        fix: "Choose another range, or leave it out: DigitalOcean then chooses a free one.",
      })),
  );
}
