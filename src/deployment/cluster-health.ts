import type { Environment } from "../config";
import type { StackDocument, SynthesizedStack, Variables } from "../terraform";
import { clusterId, lookAt, minorOf, offeredMinors, type SeenCluster } from "./kubernetes-version";

/** What of a cluster is not as it should be. */
export interface ClusterProblem {
  /** A few words, for a summary. */
  readonly concern: string;
  /** What it means and what to do. */
  readonly explanation: string;
}

/** A cluster as DigitalOcean has it, compared with the configuration. */
export interface ClusterHealth extends SeenCluster {
  readonly problems: readonly ClusterProblem[];
}

/**
 * Asks DigitalOcean whether a cluster runs, and whether it has the configured Kubernetes version. A version above the configured one is
 * none of its problems, since no deploy takes a cluster back.
 * @throws ApiUnavailable, or an Error with what DigitalOcean answered
 */
export async function clusterHealth(
  id: string,
  environment: Environment,
  variables: Variables,
): Promise<ClusterHealth> {
  const seen = await lookAt(id, variables);
  const wanted = minorOf(environment.cluster.version);
  const running = minorOf(seen.version);
  const waits = wanted !== undefined && running !== undefined && running < wanted;
  const problems = [
    ...statusProblems(seen),
    ...(waits ? [versionProblem(wanted, running, await offeredMinors(variables))] : []),
  ];
  return { ...seen, problems };
}

/**
 * What is wrong with the cluster of a stack's state; empty where nothing is, and while DigitalOcean is at work on it.
 * @param stack with its document where it may not be synthesized in its directory
 * @throws ApiUnavailable, or an Error with what DigitalOcean answered
 */
export async function brokenCluster(
  stack: SynthesizedStack & { readonly document?: StackDocument },
  variables: Variables,
): Promise<string[]> {
  const id = await clusterId(stack, variables);
  if (id === undefined) return [];
  const seen = await lookAt(id, variables);
  if (!BROKEN.includes(seen.state ?? "")) return [];
  return statusProblems(seen).map(({ explanation }) => `${stack.name}: ${explanation}`);
}

const BROKEN = ["error", "degraded", "invalid", "deleted"];

function statusProblems({ state, message = "" }: SeenCluster): ClusterProblem[] {
  if (state === "running") return [];
  const status = `status "${state ?? "unknown"}"`;
  const said = message === "" ? "" : ` (${message})`;
  return [
    {
      concern: `cluster in ${status}`,
      explanation: BROKEN.includes(state ?? "")
        ? `DigitalOcean reports the cluster's ${status}${said}. Look at it in the control panel, or ask DigitalOcean's support: no deploy repairs it.`
        : `DigitalOcean is at work on the cluster, ${status}${said}. Wait until it is "running".`,
    },
  ];
}

function versionProblem(wanted: number, running: number, offered: readonly string[]): ClusterProblem {
  const concern = `upgrade to Kubernetes 1.${wanted} waits`;
  const configured = `The configuration wants Kubernetes 1.${wanted}`;
  if (wanted > running + 1)
    return {
      concern,
      explanation: `${configured}, and DigitalOcean upgrades one minor version at a time: set cluster.version to "1.${running + 1}" first.`,
    };
  if (offered.length > 0 && !offered.includes(`1.${wanted}`))
    return {
      concern,
      explanation: `${configured}, which DigitalOcean doesn't offer. It offers ${offered.join(", ")}. Set cluster.version to "1.${running}", or leave it out.`,
    };
  return { concern, explanation: `${configured}. The next deploy upgrades the cluster in place.` };
}
