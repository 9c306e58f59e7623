import { blocks, list, text, type Values } from "../../protocol/values";
import { goTime } from "../computed";
import { KUBERNETES_VERSIONS } from "./catalog";
import type { AccountChange, DigitalOceanCloud, Objects } from "./cloud";
import { CLUSTERS, newNode, POOLS, poolsOf } from "./node-pools";
import { compareVersions, minorOf } from "./versions";

/** How long a cluster has the status `upgrading`: the real one has it for 10 to 60 minutes. */
const UPGRADE_MS = 3000;

const OPTIONS = "kubernetes_options";

interface Readable {
  objects(type: string): Objects;
}

/**
 * The versions that the account offers, newest first: those of `kubernetes_options.self.versions` in its file, else those of the
 * catalog. DigitalOcean offers a minor version for about a year.
 */
export function offeredVersions(account: Readable): readonly string[] {
  const offered = list(account.objects(OPTIONS).self?.versions).flatMap((version) => text(version) ?? []);
  return offered.length > 0 ? offered : KUBERNETES_VERSIONS;
}

/** `running`, or `upgrading` while an upgrade lasts. */
export function statusOf(cluster: Values): string {
  const end = cluster.upgrade_ends;
  return typeof end === "number" && end > Date.now() ? "upgrading" : (text(cluster.status) ?? "running");
}

/** Gives a cluster another version: the API has it at once, and the nodes of every pool are replaced by new ones. */
export function upgrade(account: AccountChange, id: string, version: string): void {
  const cluster = account.objects(CLUSTERS)[id] ?? {};
  account.put(CLUSTERS, id, {
    ...cluster,
    version,
    updated_at: goTime(),
    upgrade_ends: Date.now() + UPGRADE_MS,
  });
  for (const [poolId, pool] of poolsOf(account, id))
    account.put(POOLS, poolId, {
      ...pool,
      nodes: blocks(pool.nodes).map(() => newNode(text(pool.name) ?? "pool")),
    });
}

/**
 * What DigitalOcean does by itself: patches with `auto_upgrade`, and the next minor version for a cluster whose own one is no longer
 * offered, with and without it. The maintenance window is over at once.
 */
export function followOffers(cloud: DigitalOceanCloud): void {
  const due = (account: Readable): Array<readonly [id: string, version: string]> =>
    Object.entries(account.objects(CLUSTERS)).flatMap(([id, cluster]) => {
      const next = nextOf(
        text(cluster.version) ?? "",
        cluster.auto_upgrade === true,
        offeredVersions(account),
      );
      return next === undefined ? [] : [[id, next] as const];
    });
  if (due(cloud).length === 0) return;
  cloud.update((account) => {
    for (const [id, version] of due(account)) upgrade(account, id, version);
  });
}

function nextOf(version: string, patches: boolean, offered: readonly string[]): string | undefined {
  const minor = minorOf(version)[1];
  const [own] = offered.filter((one) => minorOf(one)[1] === minor);
  if (own !== undefined) return patches && (compareVersions(own, version) ?? 0) > 0 ? own : undefined;
  const above = offered.filter((one) => minorOf(one)[1] > minor);
  const lowest = Math.min(...above.map((one) => minorOf(one)[1]));
  return above.find((one) => minorOf(one)[1] === lowest);
}
