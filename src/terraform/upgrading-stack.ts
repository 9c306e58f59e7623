import { copyStack } from "./stack-copy";
import type { SynthesizedStack } from "./stacks";

export const CLUSTER_TYPE = "digitalocean_kubernetes_cluster";

interface Ignoring {
  readonly resource?: Readonly<
    Record<string, Readonly<Record<string, { readonly lifecycle?: { ignore_changes?: readonly string[] } }>>>
  >;
}

/**
 * A copy of a stack that doesn't ignore the Kubernetes version of its clusters: a plan of it upgrades a cluster that is below the
 * configured version, in place, and replaces one that is above it. The caller looks at that plan before it applies it.
 */
export function upgradingCopy(stack: SynthesizedStack): SynthesizedStack {
  return copyStack(stack, "upgrading", (source) => {
    const document = JSON.parse(source) as Ignoring;
    for (const { lifecycle } of Object.values(document.resource?.[CLUSTER_TYPE] ?? {}))
      if (lifecycle?.ignore_changes)
        lifecycle.ignore_changes = lifecycle.ignore_changes.filter((name) => name !== "version");
    return JSON.stringify(document, null, 2);
  });
}
