import type { JsonObject } from "../../clouds/cloud-file";
import type { Manifest } from "./api";

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAXIMUM_SUBDOMAIN = 253;
const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const MAXIMUM_NAME_PART = 63;
const DATA_KEY = /^[-._a-zA-Z0-9]+$/;
const MAXIMUM_DATA = 1024 * 1024;

const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const NAME_PART_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const DATA_KEY_RULE =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/** What is wrong with an object's name, or undefined. */
export function nameProblem(name: string): string | undefined {
  if (name.length > MAXIMUM_SUBDOMAIN) return `must be no more than ${MAXIMUM_SUBDOMAIN} characters`;
  return DNS_SUBDOMAIN.test(name) ? undefined : SUBDOMAIN_RULE;
}

/** What is wrong with a namespace's name, or undefined. */
export function labelProblem(name: string): string | undefined {
  return DNS_LABEL.test(name) ? undefined : LABEL_RULE;
}

/** What is wrong with the key of a label or an annotation, or undefined. */
export function qualifiedNameProblem(key: string): string | undefined {
  const parts = key.split("/");
  if (parts.length > 2) return `a qualified name must have at most one "/"`;
  const [prefix, name] = parts.length === 2 ? parts : [undefined, parts[0]];
  if (prefix !== undefined && nameProblem(prefix)) return `prefix part ${SUBDOMAIN_RULE}`;
  if (!name) return "name part must be non-empty";
  if (name.length > MAXIMUM_NAME_PART)
    return `name part must be no more than ${MAXIMUM_NAME_PART} characters`;
  return NAME_PART.test(name) ? undefined : NAME_PART_RULE;
}

/** What is wrong with the value of a label, or undefined. */
export function labelValueProblem(value: string): string | undefined {
  if (value === "") return undefined;
  if (value.length > MAXIMUM_NAME_PART) return `must be no more than ${MAXIMUM_NAME_PART} characters`;
  return NAME_PART.test(value)
    ? undefined
    : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
}

const strings = (value: unknown): Array<[string, string]> =>
  Object.entries((value ?? {}) as Record<string, unknown>).map(([key, entry]) => [key, String(entry)]);

function metadataProblems({ kind, metadata }: Manifest): string[] {
  const problems: string[] = [];
  const name = kind === "Namespace" ? labelProblem(metadata.name) : nameProblem(metadata.name);
  if (name) problems.push(`metadata.name: Invalid value: "${metadata.name}": ${name}`);
  for (const [key, value] of strings(metadata.labels)) {
    const wrong = qualifiedNameProblem(key);
    if (wrong) problems.push(`metadata.labels: Invalid value: "${key}": ${wrong}`);
    const wrongValue = labelValueProblem(value);
    if (wrongValue) problems.push(`metadata.labels: Invalid value: "${value}": ${wrongValue}`);
  }
  for (const [key] of strings(metadata.annotations)) {
    const wrong = qualifiedNameProblem(key.toLowerCase());
    if (wrong) problems.push(`metadata.annotations: Invalid value: "${key}": ${wrong}`);
  }
  return problems;
}

function dataProblems(manifest: JsonObject, encoded: boolean): string[] {
  const problems: string[] = [];
  let size = 0;
  const binary = new Set(strings(manifest.binaryData).map(([key]) => key));
  for (const [field, isBase64] of [
    ["data", encoded],
    ["binaryData", true],
  ] as const) {
    for (const [key, value] of strings(manifest[field])) {
      if (!DATA_KEY.test(key) || key === "." || key === ".." || key.length > MAXIMUM_SUBDOMAIN) {
        problems.push(`${field}[${key}]: Invalid value: "${key}": ${DATA_KEY_RULE}`);
      }
      if (field === "data" && binary.has(key)) {
        problems.push(`data[${key}]: Invalid value: "${key}": duplicate of key present in binaryData`);
      }
      size += isBase64 ? Buffer.from(value, "base64").length : Buffer.byteLength(value);
    }
  }
  if (size > MAXIMUM_DATA) {
    problems.push(
      encoded
        ? `data: Too long: may not be more than ${MAXIMUM_DATA} bytes`
        : `[]: Too long: may not be more than ${MAXIMUM_DATA} bytes`,
    );
  }
  return problems;
}

/** What the API would refuse in an object, in its words. */
export function manifestProblems(manifest: Manifest): string[] {
  const { kind } = manifest;
  return [
    ...metadataProblems(manifest),
    ...(kind === "ConfigMap" || kind === "Secret" ? dataProblems(manifest, kind === "Secret") : []),
  ];
}
