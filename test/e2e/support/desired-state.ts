import type { ApiObject, KubernetesApi } from "./kubernetes-api";
import { type LiveCluster, until } from "./live-cluster";

/** What a cluster is asked to run, object by object, without anything that depends on when and how often it was applied. */
export type DesiredState = ReadonlyMap<string, string>;

const KINDS = [
  "Namespace",
  "ConfigMap",
  "Service",
  "PersistentVolumeClaim",
  "Deployment",
  "StatefulSet",
  "DaemonSet",
  "Job",
  "HelmRelease",
  "Kustomization",
];

/** Reads it from the API, Helm's own records included: a release in the middle of an upgrade is another state. */
export async function desiredState(api: KubernetesApi): Promise<DesiredState> {
  const state = new Map<string, string>();
  for (const kind of KINDS) {
    for (const { metadata, spec, data } of await api.list(kind))
      state.set(
        `${kind} ${metadata.namespace ?? ""}/${metadata.name}`,
        JSON.stringify({ labels: metadata.labels, spec, data }, withoutRevision),
      );
  }
  for (const [release, status] of await releaseStates(api)) state.set(`release ${release}`, status);
  return state;
}

/** A chart of the repository has the commit in its version, which Helm's charts put into this label. */
const withoutRevision = (key: string, value: unknown): unknown =>
  key === "helm.sh/chart" ? undefined : value;

/** The last record that Helm wrote of each release: `deployed`, `pending-upgrade`, `failed`. */
export async function releaseStates(api: KubernetesApi): Promise<Map<string, string>> {
  const records = (await api.list("Secret")).filter(({ metadata }) => metadata.labels?.owner === "helm");
  const number = ({ metadata }: ApiObject): number => Number(metadata.labels.version);
  records.sort((a, b) => number(a) - number(b));
  return new Map(
    records.map(({ metadata }) => [`${metadata.namespace}/${metadata.labels.name}`, metadata.labels.status]),
  );
}

/**
 * Waits until a cluster is asked to run this, and everything of Flux is ready.
 * @param patience in seconds
 * @throws Error that lists what differs, or what is not ready
 */
export async function untilStateIs(
  cluster: LiveCluster,
  expected: DesiredState,
  patience: number,
): Promise<void> {
  await until(patience, async () => {
    const differences = differencesOf(expected, await desiredState(cluster.api));
    return differences.length === 0
      ? undefined
      : `differs from an undisturbed run: ${differences.join("\n")}`;
  });
  await cluster.untilReady(patience);
}

/** The objects that differ, each with both sides. */
export function differencesOf(expected: DesiredState, actual: DesiredState): string[] {
  return [...new Set([...expected.keys(), ...actual.keys()])]
    .filter((name) => expected.get(name) !== actual.get(name))
    .map((name) => `${name}: expected ${expected.get(name)}, is ${actual.get(name)}`);
}

/** The generation of every workload: it grows whenever its spec is changed, also forth and back. */
export async function workloadGenerations(api: KubernetesApi): Promise<Record<string, number>> {
  const generations: Record<string, number> = {};
  for (const kind of ["Deployment", "StatefulSet", "DaemonSet"]) {
    for (const { metadata } of await api.list(kind))
      generations[`${kind} ${metadata.namespace}/${metadata.name}`] = metadata.generation;
  }
  return generations;
}
