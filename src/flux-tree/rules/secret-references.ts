import type { PlacedObject } from "../objects";
import type { Fields } from "../tree";
import { databasesIn } from "../workloads";
import type { RuleContext } from "./context";

/** A place at which an object names a Secret that has to exist. */
export interface SecretReference {
  readonly at: PlacedObject;
  readonly namespace: string;
  readonly name: string;
  /** What names it, for people. */
  readonly field: string;
  /** Those of its keys that have to be there. */
  readonly keys: readonly string[];
}

/** Objects of Flux that need what their secretRef names. */
const WITH_SECRET_REF = new Set([
  "Bucket",
  "GitRepository",
  "HelmRepository",
  "ImageRepository",
  "OCIRepository",
  "Provider",
  "Receiver",
]);

/** Every reference to a Secret that Kubernetes or Flux waits for; optional ones are none. */
export function references({ workloads, objects }: RuleContext): SecretReference[] {
  const found: SecretReference[] = [];
  const add = (at: PlacedObject, namespace: string, { name, field, keys = [] }: Named): void => {
    if (typeof name === "string" && name !== "" && !name.includes("${"))
      found.push({ at, namespace, name, field, keys: keys.filter((key) => typeof key === "string") });
  };
  for (const workload of workloads) {
    for (const reference of podReferences(workload.pod)) add(workload, workload.namespace, reference);
  }
  for (const database of databasesIn(objects)) {
    const namespace = database.object.metadata?.namespace ?? "default";
    for (const reference of secretsIn(database.object.spec)) add(database, namespace, reference);
  }
  for (const placed of objects) {
    const { kind, spec, metadata } = placed.object;
    const own = metadata?.namespace ?? "default";
    if (WITH_SECRET_REF.has(kind)) add(placed, own, { name: spec?.secretRef?.name, field: "secretRef" });
    if (kind !== "HelmRelease") continue;
    for (const reference of secretsIn(spec?.values)) add(placed, spec?.targetNamespace ?? own, reference);
    for (const source of spec?.valuesFrom ?? []) {
      if (source.kind === "Secret" && !source.optional)
        add(placed, own, {
          name: source.name,
          field: "valuesFrom",
          keys: [source.valuesKey ?? "values.yaml"],
        });
    }
  }
  return found;
}

type Named = { readonly name?: unknown; readonly field: string; readonly keys?: readonly string[] };

function podReferences(pod: Fields): Named[] {
  const containers: Fields[] = [...(pod.initContainers ?? []), ...(pod.containers ?? [])];
  return [
    ...containers.flatMap(({ name, env = [], envFrom = [] }) => [
      ...env.flatMap((entry: Fields) =>
        needed(entry.valueFrom?.secretKeyRef, `${entry.name} of container ${name}`),
      ),
      ...envFrom.flatMap((entry: Fields) => needed(entry.secretRef, `envFrom of container ${name}`)),
    ]),
    ...(pod.volumes ?? []).flatMap((volume: Fields) => [
      ...needed(
        volume.secret && { ...volume.secret, name: volume.secret.secretName },
        `volume ${volume.name}`,
      ),
      ...(volume.projected?.sources ?? []).flatMap((source: Fields) =>
        needed(source.secret, `volume ${volume.name}`),
      ),
    ]),
    ...(pod.imagePullSecrets ?? []).flatMap((reference: { name?: string }) =>
      needed(reference, "imagePullSecrets"),
    ),
  ];
}

interface Reference {
  readonly name?: unknown;
  readonly optional?: boolean;
  readonly key?: string;
  readonly items?: ReadonlyArray<{ readonly key: string }>;
}

function needed(reference: Reference | undefined, field: string): Named[] {
  if (!reference || reference.optional === true) return [];
  const { name, key, items = [] } = reference;
  return [{ name, field, keys: [...(key === undefined ? [] : [key]), ...items.map((item) => item.key)] }];
}

/** Keys below which a chart's values, or an operator's objects, name a Secret as `{ name, … }`. */
const AS_OBJECT = /^(?:secretKeyRef|secretRef|superuserSecret|passwordSecret|accessKeyId|secretAccessKey)$/;
/** Keys whose value is the name itself. */
const AS_NAME = /^existing\w*Secret(?:Name)?$|^existingSecret/;

function secretsIn(value: unknown, path: readonly string[] = []): Named[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const field = [...path, key].join(".");
    if (AS_NAME.test(key) && typeof inner === "string") return [{ name: inner, field }];
    if (AS_NAME.test(key) && typeof inner === "object" && inner !== null) {
      const { enabled = true, secretName, name } = inner as Record<string, unknown>;
      return enabled === false ? [] : [{ name: secretName ?? name, field }];
    }
    if (AS_OBJECT.test(key) && typeof inner === "object" && inner !== null)
      return needed(inner as Reference, field);
    return secretsIn(inner, [...path, key]);
  });
}
