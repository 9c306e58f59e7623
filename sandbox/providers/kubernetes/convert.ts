import type { Json, JsonObject } from "../../clouds/cloud-file";
import type { Block, NestedBlock } from "../../protocol/schema";
import { blocks, isValues, type Value, type Values } from "../../protocol/values";

/** Names of the API that aren't the attribute's name in camel case: mostly lists that Terraform names in singular. */
const NAMES: Readonly<Record<string, string>> = {
  container: "containers",
  host_aliases: "hostAliases",
  host_ip: "hostIP",
  host_ipc: "hostIPC",
  host_pid: "hostPID",
  image_pull_secret: "imagePullSecrets",
  init_container: "initContainers",
  limit: "limits",
  match_expression: "matchExpressions",
  match_label_expressions: "matchLabelExpressions",
  node_selector_term: "nodeSelectorTerms",
  pod_ip: "podIP",
  port: "ports",
  readiness_gate: "readinessGates",
  secret: "secrets",
  storage_provisioner: "provisioner",
  subject: "subjects",
  sysctl: "sysctls",
  toleration: "tolerations",
  topology_spread_constraint: "topologySpreadConstraints",
  volume: "volumes",
  volume_device: "volumeDevices",
  volume_mount: "volumeMounts",
};

/** Names that mean something else as an attribute or a single block than as a list of blocks. */
const ONLY_LISTS = new Set(["port", "secret", "limit"]);

/** Blocks that Terraform's schema allows several of, where the API has one object. */
const OBJECTS = new Set([
  "grpc",
  "label_selector",
  "namespace_selector",
  "post_start",
  "pre_stop",
  "projected",
  "tcp_socket",
]);

const camelCase = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function nestedName(name: string, nested: NestedBlock): string {
  return ONLY_LISTS.has(name) && nested.max_items === 1 ? name : (NAMES[name] ?? camelCase(name));
}

const attributeName = (name: string): string =>
  ONLY_LISTS.has(name) ? name : (NAMES[name] ?? camelCase(name));

const isObject = (name: string, nested: NestedBlock): boolean =>
  nested.nesting_mode === "single" || nested.max_items === 1 || OBJECTS.has(name);

const json = (value: Value): Json => value as Json;

/** Attributes and blocks of a resource as fields of a Kubernetes object; what is null or absent is left out. */
export function toFields(block: Block, values: Values, leaveOut: readonly string[] = []): JsonObject {
  const result: JsonObject = {};
  for (const name of Object.keys(block.attributes ?? {})) {
    const value = values[name];
    if (value !== null && value !== undefined && !leaveOut.includes(name))
      result[attributeName(name)] = json(value);
  }
  for (const [name, nested] of Object.entries(block.block_types ?? {})) {
    if (leaveOut.includes(name)) continue;
    const value = values[name];
    const elements = (isValues(value) ? [value] : blocks(value)).map((element) =>
      toFields(nested.block, element),
    );
    const [first] = elements;
    if (first) result[nestedName(name, nested)] = isObject(name, nested) ? first : elements;
  }
  return result;
}

/** The reverse of {@link toFields}: what the object doesn't have is null or no block. */
export function fromFields(block: Block, fields: JsonObject, leaveOut: readonly string[] = []): Values {
  const result: Values = {};
  for (const name of Object.keys(block.attributes ?? {})) {
    if (!leaveOut.includes(name)) result[name] = (fields[attributeName(name)] ?? null) as Value;
  }
  for (const [name, nested] of Object.entries(block.block_types ?? {})) {
    if (leaveOut.includes(name)) continue;
    const value = fields[nestedName(name, nested)];
    const elements = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
    const converted = elements.map((element) => fromFields(nested.block, element as JsonObject));
    result[name] = nested.nesting_mode === "single" ? (converted[0] ?? null) : converted;
  }
  return result;
}
