import { mostNodes, type Project, SYSTEM_POOL } from "../config";
import type { SetupContext } from "./context";
import { type Api, objectIn } from "./requests";

/** The nodes that a configuration needs, each of which is a Droplet. */
interface Need {
  /** All environments with their system pools, as they are created. */
  readonly nodes: number;
  /** The same with every pool that scales by itself at its maximum. */
  readonly most: number;
  /** The largest pool: while its node size changes, a new one as large stands beside it. */
  readonly surge: number;
}

export function neededNodes({ environments }: Project): Need {
  const pools = environments.flatMap(({ cluster }) => [cluster, ...cluster.pools]);
  const system = environments.length * SYSTEM_POOL.nodeCount;
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, system);
  return {
    nodes: sum(pools.map(({ nodeCount }) => nodeCount)),
    most: sum(pools.map(mostNodes)),
    surge: Math.max(0, ...pools.map(mostNodes)),
  };
}

interface ListedCluster {
  readonly name?: string;
  readonly node_pools?: ReadonlyArray<{ readonly count?: number }>;
}

const CHECK = "droplet-limit";

/** Compares the account's limit of Droplets with what the configuration needs beside those that belong to something else. */
export async function checkDroplets(
  { report, project }: Pick<SetupContext, "report" | "project">,
  api: Api | undefined,
): Promise<void> {
  if (project === undefined || api === undefined) return;
  const unchecked = (why: string): void =>
    report.finding("unchecked", CHECK, `the account's limit of Droplets is not checked: ${why}`);
  const [account, droplets, clusters] = await Promise.all([
    api.get("v2/account"),
    api.get("v2/droplets?per_page=1"),
    api.get("v2/kubernetes/clusters?per_page=200"),
  ]);
  const obstacle = [account, droplets, clusters].find((answer) => answer.obstacle !== undefined)?.obstacle;
  if (obstacle !== undefined) return unchecked(obstacle);
  const limit = objectIn<{ account: { droplet_limit?: number } }>(account)?.account?.droplet_limit;
  if (typeof limit !== "number") return unchecked("the token may not read it (scope account:read)");
  const listed = objectIn<{ kubernetes_clusters: readonly ListedCluster[] }>(clusters)?.kubernetes_clusters;
  const names = project.environments.map(({ cluster }) => cluster.name);
  const nodesOf = (own: boolean): number =>
    (listed ?? [])
      .filter(({ name = "" }) => names.includes(name) === own)
      .flatMap(({ node_pools = [] }) => node_pools)
      .reduce((sum, { count = 0 }) => sum + count, 0);
  const total = objectIn<{ meta: { total?: number } }>(droplets)?.meta?.total;
  const others = typeof total === "number" ? Math.max(0, total - nodesOf(true)) : nodesOf(false);
  compare(report, { limit, others, counted: typeof total === "number", ...neededNodes(project) });
}

function compare(
  report: SetupContext["report"],
  {
    limit,
    others,
    counted,
    nodes,
    most,
    surge,
  }: Need & { readonly limit: number; readonly others: number; readonly counted: boolean },
): void {
  const beside = `${others} other ${counted ? "Droplets" : "nodes"} of the account${counted ? "" : " (other Droplets are not counted: scope droplet:read)"}`;
  const wanted = others + most + surge;
  const needs = `${others + nodes} Droplets for the nodes of all environments (${nodes}, system pools included) and ${beside}`;
  const fix = `ask DigitalOcean for a limit of at least ${wanted} Droplets at cloud.digitalocean.com (Settings, Limits), or configure fewer nodes`;
  if (others + nodes > limit)
    report.finding("missing", CHECK, `the account allows ${limit} Droplets, and this needs ${needs}`, fix);
  else if (wanted > limit)
    report.finding(
      "warning",
      CHECK,
      `the account allows ${limit} Droplets. Enough for a deploy, which needs ${needs}; too few for a change of a node size, which puts a new pool beside the old one: ${wanted} (${others} others, ${most} nodes at most, ${surge} of the new pool)`,
      fix,
    );
  else
    report.finding(
      "ok",
      CHECK,
      `the account allows ${limit} Droplets, of which this needs ${wanted} at most`,
    );
}
