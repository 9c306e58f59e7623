import { clusterName } from "../config";
import { environmentOf, readState, type SynthesizedStack, TerraformError } from "../terraform";
import type { Workspace } from "../workspace";
import { digitalOceanList } from "./cloud-api";
import { deployedValue } from "./deployed-value";
import { compareAccount, explainAccount } from "./missing-objects";

/** The provider's data source looks for a name on the first page of the account's clusters. */
const FIRST_PAGE = 20;

/** Whether the data source that every stack in a cluster reads has found none of the name, or no credentials of it. */
export function isClusterUnfound(error: unknown): boolean {
  return (
    error instanceof TerraformError &&
    error.diagnostics.some(
      ({ address, summary }) =>
        address?.startsWith("data.digitalocean_kubernetes_cluster.") &&
        /Unable to find cluster|could not be found|: 404\b/.test(summary),
    )
  );
}

/**
 * Looks for the cluster that the provider did not find, in every page of the account's list: the provider fails for other reasons too.
 * @returns why the cluster is there all the same, or may be; undefined when it is gone for certain
 */
export async function whyUnfound(
  stack: SynthesizedStack,
  all: readonly SynthesizedStack[],
  { project, variables }: Pick<Workspace, "project" | "variables">,
): Promise<Error | undefined> {
  const environment = environmentOf(stack);
  const owner = all.find(({ name }) => name === `${environment}-cluster`);
  const state = owner ? await readState(owner, variables) : {};
  const id = deployedValue(state, "digitalocean_kubernetes_cluster", "id");
  const name =
    deployedValue(state, "digitalocean_kubernetes_cluster", "name") ?? clusterName(project.name, environment);
  try {
    const { objects } = await digitalOceanList("kubernetes/clusters", "kubernetes_clusters", variables);
    const found = objects.find((one) => String(one.id) === id || one.name === name);
    if (found) return new Error(`${stack.name}: ${explainFound(name, found, objects.length)}`);
  } catch (error) {
    return new Error(
      `${stack.name}: the provider did not find the cluster ${name}, and whether it is gone is unknown: ${(error as Error).message}`,
    );
  }
  if (owner === undefined || id === undefined) return undefined;
  const account = await compareAccount({ stack: owner, variables }, state);
  return account.verdict === "same"
    ? undefined
    : new Error(
        `${stack.name}: the cluster ${name} (${id}) is in the state and missing in DigitalOcean: ${explainAccount(account)}.`,
      );
}

interface Reader {
  readonly stack: SynthesizedStack;
  readonly all: readonly SynthesizedStack[];
  readonly workspace: Pick<Workspace, "project" | "variables">;
}

/**
 * Plans a stack that reads its cluster through the provider.
 * @throws what the plan throws; where the provider does not find a cluster that is there, why
 */
export async function explainUnfound<T>(
  { stack, all, workspace }: Reader,
  plan: () => Promise<T>,
): Promise<T> {
  try {
    return await plan();
  } catch (error) {
    throw (isClusterUnfound(error) && (await whyUnfound(stack, all, workspace))) || error;
  }
}

function explainFound(
  name: string,
  { id, status }: { readonly id: string | number; readonly status?: { readonly state?: string } },
  clusters: number,
): string {
  const there = `the cluster ${name} (${id}) is there`;
  if (status?.state !== undefined && status.state !== "running")
    return `${there}, with the status ${status.state}, and gives out no credentials. Wait until it runs, or look at it at cloud.digitalocean.com, then try again.`;
  if (clusters > FIRST_PAGE)
    return `${there}, and the provider does not find it: the account has ${clusters} clusters, and the provider looks for a name among the first ${FIRST_PAGE} only. Delete clusters that nobody needs, or deploy this project in a DigitalOcean team of its own.`;
  return `${there}, and the provider could not read its credentials. Try again in a few minutes.`;
}
