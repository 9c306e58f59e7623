/** A kind of Kubernetes object that the stand-in keeps. */
export interface Kind {
  readonly kind: string;
  readonly apiVersion: string;
  /** Name in paths and messages, such as `configmaps`. */
  readonly plural: string;
  readonly namespaced: boolean;
}

const kind = (name: string, apiVersion: string, plural: string, namespaced = true): Kind => ({
  kind: name,
  apiVersion,
  plural,
  namespaced,
});

/**
 * Every kind that the resource types of the schema need, and those that `kubernetes_labels` may name. Pods come from nobody here:
 * what asks for them gets an empty list.
 */
export const KINDS: readonly Kind[] = [
  kind("Namespace", "v1", "namespaces", false),
  kind("Node", "v1", "nodes", false),
  kind("Pod", "v1", "pods"),
  kind("ConfigMap", "v1", "configmaps"),
  kind("Secret", "v1", "secrets"),
  kind("ServiceAccount", "v1", "serviceaccounts"),
  kind("LimitRange", "v1", "limitranges"),
  kind("ResourceQuota", "v1", "resourcequotas"),
  kind("PriorityClass", "scheduling.k8s.io/v1", "priorityclasses", false),
  kind("StorageClass", "storage.k8s.io/v1", "storageclasses", false),
  kind("ClusterRoleBinding", "rbac.authorization.k8s.io/v1", "clusterrolebindings", false),
  kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
  kind("Job", "batch/v1", "jobs"),
];

/** The kind of a name and, when given, an API version; undefined when there is none. */
export function findKind(name: string, apiVersion?: string): Kind | undefined {
  return KINDS.find((entry) => entry.kind === name && (apiVersion ?? entry.apiVersion) === entry.apiVersion);
}

/** {@link findKind} for names that are in the table. */
export function kindOf(name: string): Kind {
  const found = findKind(name);
  if (!found) throw new Error(`no kind ${name}`);
  return found;
}

/** A kind as messages of the API write it: `configmaps`, `networkpolicies.networking.k8s.io`. */
export function resourceName({ plural, apiVersion }: Kind): string {
  const [group, version] = apiVersion.split("/");
  return version === undefined ? plural : `${plural}.${group}`;
}

/** The path of an object, or of all objects of a kind when `name` is left out. */
export function apiPath(entry: Kind, namespace: string | undefined, name?: string): string {
  const root = entry.apiVersion.includes("/") ? `/apis/${entry.apiVersion}` : `/api/${entry.apiVersion}`;
  const scope = entry.namespaced && namespace !== undefined ? `/namespaces/${namespace}` : "";
  return `${root}${scope}/${entry.plural}${name === undefined ? "" : `/${name}`}`;
}
