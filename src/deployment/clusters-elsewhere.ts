import { digitalOceanToken, listDigitalOcean } from "../api-client";
import { clusterName } from "../config";
import { shownPath } from "../place";
import { environmentOf, type StackPlan } from "../terraform";
import type { Workspace } from "../workspace";
import { isAdoptable, UnfinishedCreations } from "./adoption";

const CLUSTER = "digitalocean_kubernetes_cluster";

/** A cluster of the account that has the name of an environment's, and that this checkout has no state of. */
export interface ClusterElsewhere {
  readonly environment: string;
  readonly name: string;
  readonly id: string;
  /** As DigitalOcean tells it. */
  readonly createdAt?: string;
}

type Place = Pick<Workspace, "directory" | "project" | "variables">;

/**
 * Clusters that DigitalOcean has under the names of environments whose state is missing here: they were deployed from another checkout,
 * or the state was lost. What a deploy from here has begun to create is its own (adoption sees to it).
 * @param environments those without a cluster in their state
 * @throws ApiUnavailable, or an Error with what DigitalOcean answered, or without a token
 */
export async function clustersElsewhere(
  environments: readonly string[],
  { directory, project, variables }: Place,
): Promise<ClusterElsewhere[]> {
  const wanted = new Map(environments.map((name) => [clusterName(project.name, name), name]));
  if (wanted.size === 0) return [];
  if (!digitalOceanToken(variables))
    throw new Error("DIGITALOCEAN_TOKEN is not set. Put it into .env or the environment.");
  const clusters = await listDigitalOcean<{ id: string; name: string; created_at?: string }>(
    "kubernetes/clusters",
    "kubernetes_clusters",
    variables,
  );
  return clusters.flatMap(({ id, name, created_at: createdAt }) => {
    const environment = wanted.get(name);
    if (environment === undefined) return [];
    const begun = new UnfinishedCreations({ directory }, `${environment}-cluster`, {
      problem: () => undefined,
    });
    return begun.all().some((one) => one.name === name) ? [] : [{ environment, name, id, createdAt }];
  });
}

/** What is known of such a cluster, and how its state comes here. */
export function explainElsewhere(
  { name, id, createdAt }: Omit<ClusterElsewhere, "environment">,
  { directory, project, npmRun }: Pick<Workspace, "directory" | "project" | "npmRun">,
): string {
  const made = createdAt === undefined ? "" : `, created ${createdAt.slice(0, 10)}`;
  const shared = project.state.backend === "spaces";
  return [
    `DigitalOcean already has a cluster ${name} (${id}${made}), and its state is missing here. It was deployed from another checkout, or its state was lost.`,
    shared
      ? "Check that `state` in the configuration names the bucket that has the states."
      : `Copy ${shownPath(directory, "state/")} from the checkout that deployed it, or move the states to a bucket there (${npmRun("state", "migrate")}) and pull that configuration: docs/state.md#a-second-checkout.`,
  ].join(" ");
}

/**
 * Why plans can't be applied that create clusters which are there already: they would end with "already exists", half done. With a bucket
 * the state is shared, so that adoption can tell whether such a cluster is the team's own.
 * @returns the reasons, and what could not be checked
 */
export async function collisions(
  plans: readonly StackPlan[],
  workspace: Place & Pick<Workspace, "npmRun">,
  adopt: readonly string[] = [],
): Promise<{ readonly refusals: readonly string[]; readonly notes: readonly string[] }> {
  if (workspace.project.state.backend !== "local") return { refusals: [], notes: [] };
  const creating = plans.filter(({ changes }) =>
    changes.some(
      ({ type, action, address }) => type === CLUSTER && action === "create" && !adopt.includes(address),
    ),
  );
  try {
    const found = await clustersElsewhere(
      creating.map(({ stack }) => environmentOf(stack)),
      workspace,
    );
    const refusals = found.map((cluster) => {
      const plan = creating.find(({ stack }) => environmentOf(stack) === cluster.environment) as StackPlan;
      const addresses = plan.changes
        .filter(({ type, action }) => action === "create" && isAdoptable(type))
        .map(({ address }) => address);
      const takeOver = workspace.npmRun("deploy", "--stack", plan.stack.name, "--adopt", ...addresses);
      return `${cluster.environment}: ${explainElsewhere(cluster, workspace)} If no state of it exists any more, and the cluster is yours: ${takeOver}. If it is somebody else's, choose another project.name.`;
    });
    return { refusals, notes: [] };
  } catch (error) {
    const names = creating.map(({ stack }) => environmentOf(stack)).join(", ");
    const note = `Whether the clusters of ${names} exist already could not be checked: ${(error as Error).message}`;
    return { refusals: [], notes: [note] };
  }
}
