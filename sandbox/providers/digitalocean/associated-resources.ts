import type { AccountChange } from "./cloud";

/** What the controllers in a cluster make in the account: load balancers of Services, volumes of claims and their snapshots. */
const TYPES = ["digitalocean_loadbalancer", "digitalocean_volume", "digitalocean_volume_snapshot"];

/** The tag by which DigitalOcean knows that something was made by a cluster's controllers. */
export const clusterTag = (clusterId: string): string => `k8s:${clusterId}`;

/** Deletes what a cluster's controllers made, as `destroy_all_associated_resources` asks for; without it all of it stays. */
export function removeAssociatedResources(account: AccountChange, clusterId: string): void {
  for (const type of TYPES) {
    for (const [id, { tags }] of Object.entries(account.objects(type))) {
      if (Array.isArray(tags) && tags.includes(clusterTag(clusterId))) account.remove(type, id);
    }
  }
}
