import type { ClusterReader } from "./cluster-reader";
import { type HintContext, hintFor } from "./flux-hints";
import type { Condition, KubernetesObject } from "./kubernetes-object";

/** How something of Flux is: `waiting` for something else of Flux, which is where to look, or `failing` by itself. */
export type FluxState = "ready" | "reconciling" | "waiting" | "failing" | "suspended";

/** An object of Flux in words. */
export interface FluxObjectStatus {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly state: FluxState;
  /** Flux's own words. */
  readonly message: string;
  /** What it is at: the commit of a repository, what a Kustomization has applied. */
  readonly revision?: string;
  /** What it waits for, as `Kind/name` in its own namespace. */
  readonly waitsFor?: readonly string[];
  /** What the message means and what helps, for known messages. */
  readonly hint?: string;
}

/** Everything of Flux in a cluster that says how it is. */
export interface FluxObjects {
  readonly sources: readonly KubernetesObject[];
  readonly kustomizations: readonly KubernetesObject[];
  readonly helmReleases: readonly KubernetesObject[];
}

/** Flux in one cluster. */
export interface FluxStatus {
  readonly sources: readonly FluxObjectStatus[];
  readonly kustomizations: readonly FluxObjectStatus[];
  readonly helmReleases: readonly FluxObjectStatus[];
}

const SOURCE_API = "/apis/source.toolkit.fluxcd.io/v1";
const KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations";
const HELM_RELEASES = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases";
const SOURCES: readonly (readonly [kind: string, path: string])[] = [
  ["GitRepository", `${SOURCE_API}/gitrepositories`],
  ["OCIRepository", `${SOURCE_API}/ocirepositories`],
  ["HelmRepository", `${SOURCE_API}/helmrepositories`],
  ["HelmChart", `${SOURCE_API}/helmcharts`],
];

/**
 * Reads the objects of Flux; undefined when Flux is not installed in the cluster.
 * @throws ClusterUnreachable
 */
export async function readFlux(reader: ClusterReader): Promise<FluxObjects | undefined> {
  const kustomizations = await reader.list(KUSTOMIZATIONS);
  if (kustomizations === undefined) return undefined;
  const [helmReleases, ...sources] = await Promise.all([
    reader.list(HELM_RELEASES),
    ...SOURCES.map(async ([kind, path]) => withKind(kind, (await reader.list(path)) ?? [])),
  ]);
  return {
    sources: sources.flat(),
    kustomizations: withKind("Kustomization", kustomizations),
    helmReleases: withKind("HelmRelease", helmReleases ?? []),
  };
}

/** The items of a list don't say their kind. */
function withKind(kind: string, objects: readonly KubernetesObject[]): KubernetesObject[] {
  return objects.map((object) => ({ ...object, kind }));
}

/** Says in words how everything of Flux is, and tells causes from what only waits for them. */
export function interpretFlux(objects: FluxObjects, context: HintContext): FluxStatus {
  const sources = objects.sources.map((object) => interpret(object));
  const revisions = new Map(
    sources.flatMap((source) => (source.revision ? [[keyOf(source), source.revision] as const] : [])),
  );
  const own = {
    sources,
    kustomizations: objects.kustomizations.map((object) =>
      behindItsSource(interpret(object), object, revisions),
    ),
    helmReleases: objects.helmReleases.map((object) => interpret(object)),
  };
  const all = new Map(
    [...own.sources, ...own.kustomizations, ...own.helmReleases].map((status) => [keyOf(status), status]),
  );
  const explained = (statuses: readonly FluxObjectStatus[]): FluxObjectStatus[] =>
    statuses.map((status) => withHint(toldApart(status, all), context));
  return {
    sources: explained(own.sources),
    kustomizations: explained(own.kustomizations),
    helmReleases: explained(own.helmReleases),
  };
}

/** The key of an object among others: `Kustomization/flux-system/mattermost`. */
function keyOf({ kind, namespace, name }: Pick<FluxObjectStatus, "kind" | "namespace" | "name">): string {
  return `${kind}/${namespace}/${name}`;
}

interface FluxSpec {
  readonly suspend?: boolean;
  readonly type?: string;
  readonly sourceRef?: { readonly kind: string; readonly name: string; readonly namespace?: string };
}

interface Status {
  readonly conditions?: readonly Condition[];
  readonly observedGeneration?: number;
  readonly artifact?: { readonly revision?: string };
  readonly lastAppliedRevision?: string;
}

const specOf = (object: KubernetesObject): FluxSpec => (object.spec ?? {}) as FluxSpec;
const statusOf = (object: KubernetesObject): Status => (object.status ?? {}) as Status;

/** What an object says of itself. */
function interpret(object: KubernetesObject): FluxObjectStatus {
  const { metadata, kind = "" } = object;
  const status = statusOf(object);
  const condition = (type: string): Condition | undefined =>
    Array.isArray(status.conditions) ? status.conditions.find((one) => one?.type === type) : undefined;
  const [ready, stalled] = [condition("Ready"), condition("Stalled")];
  const revision = status.artifact?.revision ?? status.lastAppliedRevision;
  const about = {
    kind,
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    ...(revision ? { revision } : {}),
  };
  // A repository in a registry has nothing to fetch by itself, so that Flux gives it no status.
  if (kind === "HelmRepository" && specOf(object).type === "oci" && ready === undefined)
    return { ...about, state: "ready", message: "" };
  const message = [
    ready?.message ?? "",
    ...(stalled?.status === "True" && stalled.message && !ready?.message?.includes(stalled.message)
      ? [stalled.message]
      : []),
  ]
    .filter((text) => text !== "")
    .join("\n");
  if (metadata.deletionTimestamp !== undefined)
    return {
      ...about,
      state: "failing",
      message: [`It is being deleted since ${metadata.deletionTimestamp}`, message]
        .filter(Boolean)
        .join("\n"),
    };
  if (specOf(object).suspend === true) return { ...about, state: "suspended", message };
  if (ready === undefined)
    return { ...about, state: "reconciling", message: "Flux has not looked at it yet" };
  if (seenGeneration(ready, status, metadata.generation) < (metadata.generation ?? 0))
    return { ...about, state: "reconciling", message: "Flux has not looked at its latest change yet" };
  if (ready.status === "True") return { ...about, state: "ready", message };
  if (ready.status === "Unknown")
    return { ...about, state: "reconciling", message: condition("Reconciling")?.message || message };
  const waitsFor = awaited(object, ready);
  return waitsFor.length === 0
    ? { ...about, state: "failing", message }
    : { ...about, state: "waiting", message, waitsFor };
}

/** The generation that the Ready condition is about. A failure leaves `observedGeneration` at the last success. */
function seenGeneration(ready: Condition, status: Status, latest = 0): number {
  return ready.observedGeneration ?? (ready.status === "False" ? latest : (status.observedGeneration ?? 0));
}

const SOURCE_NOT_READY =
  /^(GitRepository|OCIRepository|HelmRepository|HelmChart|Bucket) '([^']+)' is not ready/;
const NO_ARTIFACT_OF = /no artifact available for (\w+) source '([^']+)'/;
/** `timeout waiting for: [HelmRelease/flux-system/mattermost status: 'InProgress']` */
const NOT_HEALTHY = /(?:timeout waiting for|failed early due to stalled resources): \[(.*)\]/s;

/** What a condition names as not ready, as keys; empty when it is about the object itself. */
function awaited(object: KubernetesObject, { reason, message = "" }: Condition): string[] {
  const { kind = "", metadata } = object;
  const namespaced = (name: string): string => (name.includes("/") ? name : `${metadata.namespace}/${name}`);
  const [, dependency] = /^dependency '([^']+)'/.exec(message) ?? [];
  if (reason === "DependencyNotReady" && dependency !== undefined)
    return [`${kind}/${namespaced(dependency)}`];
  const [, sourceKind, source] = SOURCE_NOT_READY.exec(message) ?? NO_ARTIFACT_OF.exec(message) ?? [];
  if (source !== undefined) return [`${sourceKind}/${namespaced(source)}`];
  const { sourceRef } = specOf(object);
  if (/artifact not found/.test(message) && sourceRef)
    return [keyOf({ ...sourceRef, namespace: sourceRef.namespace ?? metadata.namespace ?? "" })];
  const unhealthy = (NOT_HEALTHY.exec(message)?.[1] ?? "").match(/[\w.-]+(?:\/[\w.-]+)+(?= status: )/g) ?? [];
  return unhealthy.every((key) => /^(?:HelmRelease|Kustomization)\//.test(key)) ? unhealthy : [];
}

/** A Kustomization that is content with an older revision than its source has got meanwhile. */
function behindItsSource(
  status: FluxObjectStatus,
  object: KubernetesObject,
  revisions: ReadonlyMap<string, string>,
): FluxObjectStatus {
  const { sourceRef } = specOf(object);
  if (status.state !== "ready" || !sourceRef || !status.revision) return status;
  const source = revisions.get(keyOf({ ...sourceRef, namespace: sourceRef.namespace ?? status.namespace }));
  if (source === undefined || source === status.revision) return status;
  return {
    ...status,
    state: "reconciling",
    message: `It has applied ${status.revision}; its source is at ${source}`,
  };
}

/** Who waits for something that isn't there, or for itself, waits for ever: that is a failure of its own. */
function toldApart(status: FluxObjectStatus, all: ReadonlyMap<string, FluxObjectStatus>): FluxObjectStatus {
  if (status.state !== "waiting") return status;
  if (status.waitsFor?.every((key) => all.has(key)) && !waitsForItself(status, all)) return status;
  const { waitsFor: _, ...rest } = status;
  return { ...rest, state: "failing" };
}

function waitsForItself(status: FluxObjectStatus, all: ReadonlyMap<string, FluxObjectStatus>): boolean {
  const [own, seen] = [keyOf(status), new Set<string>()];
  const next = [...(status.waitsFor ?? [])];
  for (let key = next.pop(); key !== undefined; key = next.pop()) {
    if (key === own) return true;
    if (seen.has(key)) continue;
    seen.add(key);
    next.push(...(all.get(key)?.waitsFor ?? []));
  }
  return false;
}

function withHint(status: FluxObjectStatus, context: HintContext): FluxObjectStatus {
  if (status.state !== "failing") return status;
  const hint = hintFor(status, context);
  return hint === undefined ? status : { ...status, hint };
}
