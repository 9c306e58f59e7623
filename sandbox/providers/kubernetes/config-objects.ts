import type { Json, JsonObject } from "../../clouds/cloud-file";
import type { Path } from "../../protocol/diagnostics";
import { isValues, type Value, type Values } from "../../protocol/values";
import type { Report, ResourceHandler } from "../provider";
import type { Manifest } from "./api";
import { patchMap } from "./metadata";
import { type Connect, kubernetesObject } from "./resources";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const IMMUTABLE_FIELDS = ["data", "binary_data", "immutable"];

const entries = (value: Value | undefined): Array<[string, Value]> =>
  Object.entries(isValues(value) ? value : {});

function validateBase64(config: Values, name: string, report: Report): void {
  for (const [key, value] of entries(config[name])) {
    if (typeof value === "string" && !BASE64.test(value)) {
      report([name], `${key} ("${value}") ${key}: must be a base64-encoded string`);
    }
  }
}

/** An immutable object is replaced when its data changes. */
function replaceImmutable(planned: Values, prior: Values | null): Path[] {
  if (prior?.immutable !== true) return [];
  const text = (value: Value | undefined) => JSON.stringify(entries(value).sort());
  return IMMUTABLE_FIELDS.filter((name) =>
    name === "immutable" ? planned[name] !== prior[name] : text(planned[name]) !== text(prior[name]),
  ).map((name) => [name]);
}

/** A map as read: an absent one stays as the state has it, left out or empty. */
function mapOf(found: Json | undefined, state: Value | undefined): Value {
  const map = (found ?? {}) as Values;
  if (Object.keys(map).length > 0) return map;
  return isValues(state) ? {} : null;
}

/** Whether an object is immutable: left out and false are the same to Kubernetes. */
function immutableOf(manifest: Manifest, state: Values): Value {
  if (manifest.immutable === true) return true;
  return state.immutable === null || state.immutable === undefined ? null : false;
}

function setMap(manifest: JsonObject, name: string, map: JsonObject): void {
  if (Object.keys(map).length > 0) manifest[name] = map;
  else delete manifest[name];
}

function setImmutable(manifest: JsonObject, planned: Values): void {
  if (planned.immutable === null) delete manifest.immutable;
  else manifest.immutable = planned.immutable as boolean;
}

/** `kubernetes_config_map_v1`. */
export function configMap(connect: Connect): ResourceHandler {
  return kubernetesObject(connect, {
    kind: "ConfigMap",
    validate: (config, report) => validateBase64(config, "binary_data", report),
    customizePlan: replaceImmutable,
    fields: (planned) => {
      const fields: JsonObject = {};
      setMap(fields, "data", { ...((planned.data ?? {}) as JsonObject) });
      setMap(fields, "binaryData", { ...((planned.binary_data ?? {}) as JsonObject) });
      setImmutable(fields, planned);
      return fields;
    },
    patch: (manifest, prior, planned) => {
      setMap(manifest, "data", patchMap(manifest.data, prior.data, planned.data));
      setMap(manifest, "binaryData", patchMap(manifest.binaryData, prior.binary_data, planned.binary_data));
      setImmutable(manifest, planned);
    },
    attributes: (manifest, state) => ({
      data: mapOf(manifest.data, state.data),
      binary_data: mapOf(manifest.binaryData, state.binary_data),
      immutable: immutableOf(manifest, state),
    }),
  });
}

const encode = (value: Value): string => Buffer.from(String(value)).toString("base64");
const decode = (value: Json): string => Buffer.from(String(value), "base64").toString("utf8");

const revision = (values: Values | undefined, name: string): number => {
  const value = values?.[name];
  return typeof value === "number" ? value : 0;
};

/** The secret's data in base64: plain or write-only, text or binary. Write-only values are only in the configuration. */
function secretData(planned: Values, config: Values): JsonObject {
  const texts = revision(planned, "data_wo_revision") > 0 ? config.data_wo : planned.data;
  const binaries =
    revision(planned, "binary_data_wo_revision") > 0 ? config.binary_data_wo : planned.binary_data;
  return {
    ...Object.fromEntries(entries(texts).map(([key, value]) => [key, encode(value)])),
    ...Object.fromEntries(entries(binaries).map(([key, value]) => [key, String(value)])),
  };
}

function validateSecret(config: Values, report: Report): void {
  validateBase64(config, "binary_data", report);
  for (const name of ["data", "binary_data"]) {
    const [written, version] = [`${name}_wo`, `${name}_wo_revision`];
    if (config[name] !== null && config[written] !== null) {
      report([written], `"${written}": conflicts with ${name}`);
    }
    if (config[version] !== null && config[written] === null) {
      report([version], `"${version}": all of \`${version},${written}\` must be specified`);
    }
    if (typeof config[version] === "number" && config[version] < 1) {
      report([version], `expected ${version} to be at least (1), got ${config[version]}`);
    }
  }
}

/** Whether write-only values have to be written: their revision is another one. */
const rewritten = (prior: Values, planned: Values): boolean =>
  ["data_wo_revision", "binary_data_wo_revision"].some((name) => planned[name] !== prior[name]);

/** `kubernetes_secret_v1`: data in plain text, write-only data that no state holds. */
export function secret(connect: Connect): ResourceHandler {
  const written = (values: Values) =>
    revision(values, "data_wo_revision") > 0 || revision(values, "binary_data_wo_revision") > 0;
  return kubernetesObject(connect, {
    kind: "Secret",
    forceNew: ["type"],
    defaults: { type: "Opaque", wait_for_service_account_token: true },
    stateOnly: ["data_wo_revision", "binary_data_wo_revision", "wait_for_service_account_token"],
    validate: validateSecret,
    customizePlan: replaceImmutable,
    fields: (planned, call) => {
      const fields: JsonObject = { type: planned.type as string };
      setMap(fields, "data", secretData(planned, call.resourceConfig ?? {}));
      setImmutable(fields, planned);
      return fields;
    },
    patch: (manifest, prior, planned, call) => {
      const changed =
        JSON.stringify([planned.data, planned.binary_data]) !==
        JSON.stringify([prior.data, prior.binary_data]);
      if (changed || rewritten(prior, planned))
        setMap(manifest, "data", secretData(planned, call.resourceConfig ?? {}));
      setImmutable(manifest, planned);
    },
    attributes: (manifest, state) => {
      const binary = isValues(state.binary_data) ? state.binary_data : {};
      const all = Object.entries((manifest.data ?? {}) as JsonObject);
      const texts = Object.fromEntries(
        all.filter(([key]) => !(key in binary)).map(([key, value]) => [key, decode(value)]),
      );
      const binaries = Object.fromEntries(all.filter(([key]) => key in binary)) as Values;
      return {
        // What was written once stays out of the state, as the provider promises for write-only data.
        data: written(state) ? (isValues(state.data) ? state.data : {}) : mapOf(texts, state.data ?? {}),
        binary_data: mapOf(binaries as JsonObject, state.binary_data),
        type: (manifest.type as string | undefined) ?? null,
        immutable: immutableOf(manifest, state),
      };
    },
  });
}
