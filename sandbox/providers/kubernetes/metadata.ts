import type { Json, JsonObject } from "../../clouds/cloud-file";
import { blocks, isValues, list, text, Unknown, type Value, type Values } from "../../protocol/values";
import type { Report } from "../provider";
import type { Manifest, Metadata } from "./api";
import { labelProblem, labelValueProblem, nameProblem, qualifiedNameProblem } from "./validation";

/** The `metadata` block of a resource. */
export function metadataOf(values: Values): Values {
  return blocks(values.metadata)[0] ?? {};
}

/** Checks the `metadata` block as the provider's schema does. */
export function validateMetadata(config: Values, report: Report): void {
  const metadata = metadataOf(config);
  const at = ["metadata", 0];
  const name = text(metadata.name);
  const problem = name === undefined ? undefined : nameProblem(name);
  if (problem) report([...at, "name"], `metadata.0.name ${problem}`);
  const prefix = text(metadata.generate_name);
  if (prefix !== undefined) {
    const wrong = labelProblem(`${prefix.replace(/-$/, "")}`);
    if (wrong) report([...at, "generate_name"], `metadata.0.generate_name ${wrong}`);
    if (metadata.name !== null) {
      report([...at, "generate_name"], '"metadata.0.generate_name": conflicts with metadata.0.name');
    }
  }
  for (const [key, value] of Object.entries(isValues(metadata.labels) ? metadata.labels : {})) {
    const wrong = qualifiedNameProblem(key);
    if (wrong) report([...at, "labels"], `metadata.0.labels ("${key}") ${wrong}`);
    const wrongValue = typeof value === "string" ? labelValueProblem(value) : undefined;
    if (wrongValue) report([...at, "labels"], `metadata.0.labels ("${value}") ${wrongValue}`);
  }
  for (const key of Object.keys(isValues(metadata.annotations) ? metadata.annotations : {})) {
    const wrong = qualifiedNameProblem(key.toLowerCase());
    if (wrong) report([...at, "annotations"], `metadata.0.annotations ("${key}") ${wrong}`);
  }
}

const strings = (value: Value | undefined): JsonObject => (isValues(value) ? (value as JsonObject) : {});

/** Metadata of a new object. */
export function newMetadata(values: Values, namespaced: boolean): Metadata {
  const metadata = metadataOf(values);
  const [labels, annotations] = [strings(metadata.labels), strings(metadata.annotations)];
  return {
    name: text(metadata.name) ?? "",
    ...(text(metadata.generate_name) ? { generateName: text(metadata.generate_name) as string } : {}),
    ...(namespaced ? { namespace: text(metadata.namespace) ?? "default" } : {}),
    ...(Object.keys(labels).length > 0 ? { labels: { ...labels } } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations: { ...annotations } } : {}),
  };
}

/** A map changed from what Terraform had to what it wants; keys of others stay. */
export function patchMap(
  current: Json | undefined,
  prior: Value | undefined,
  planned: Value | undefined,
): JsonObject {
  const result: JsonObject = { ...((current ?? {}) as JsonObject) };
  const wanted = strings(planned);
  for (const key of Object.keys(strings(prior))) if (!(key in wanted)) delete result[key];
  return { ...result, ...wanted };
}

/** Changes labels and annotations of an object that exists. */
export function patchMetadata(manifest: Manifest, prior: Values, planned: Values): void {
  const [before, after] = [metadataOf(prior), metadataOf(planned)];
  for (const part of ["labels", "annotations"] as const) {
    const changed = patchMap(manifest.metadata[part], before[part], after[part]);
    if (Object.keys(changed).length > 0) manifest.metadata[part] = changed;
    else delete manifest.metadata[part];
  }
}

/** Keys that Kubernetes sets by itself: not shown unless the configuration has them. */
function isInternal(key: string): boolean {
  const host = key.split("/")[0] ?? "";
  if (!key.includes("/") || host === "app.kubernetes.io" || host === "service.beta.kubernetes.io") {
    return key.includes("deprecated.daemonset.template.generation");
  }
  return host.endsWith("kubernetes.io");
}

function visible(found: Json | undefined, state: Value | undefined, ignored: Value | undefined): Value {
  const kept = strings(state);
  const patterns = list(ignored).flatMap((pattern) =>
    typeof pattern === "string" ? [new RegExp(pattern)] : [],
  );
  const entries = Object.entries((found ?? {}) as JsonObject).filter(
    ([key]) => key in kept || !(isInternal(key) || patterns.some((pattern) => pattern.test(key))),
  );
  // None at all stays as it was written: left out, or an empty map.
  if (entries.length === 0 && Object.keys(kept).length === 0) return isValues(state) ? {} : null;
  return Object.fromEntries(entries) as Values;
}

/** The `metadata` block of an object, by the rules of the provider for labels and annotations of others. */
export function readMetadata(manifest: Manifest, state: Values, config: Values): Value {
  const before = metadataOf(state);
  const { metadata } = manifest;
  const known = (value: Value | undefined) => (value instanceof Unknown ? undefined : value);
  return [
    {
      name: metadata.name,
      generate_name: (metadata.generateName as string | undefined) ?? null,
      namespace: (metadata.namespace as string | undefined) ?? null,
      labels: visible(metadata.labels, known(before.labels), config.ignore_labels),
      annotations: visible(metadata.annotations, known(before.annotations), config.ignore_annotations),
      generation: (metadata.generation as number | undefined) ?? 0,
      resource_version: (metadata.resourceVersion as string | undefined) ?? "",
      uid: (metadata.uid as string | undefined) ?? "",
    },
  ];
}
