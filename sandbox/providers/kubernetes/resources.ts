import type { JsonObject } from "../../clouds/cloud-file";
import { type Path, ProviderError } from "../../protocol/diagnostics";
import type { Defaults } from "../../protocol/plan";
import { text, type Values } from "../../protocol/values";
import { completeUnknowns } from "../computed";
import type { Call, Report, ResourceHandler } from "../provider";
import { type KubernetesApi, type Manifest, notFound, type Place } from "./api";
import { fromFields, toFields } from "./convert";
import { kindOf } from "./kinds";
import { newMetadata, patchMetadata, readMetadata, validateMetadata } from "./metadata";

/** Finds the API that a provider block points to. */
export type Connect = (call: Call) => KubernetesApi;

/** What sets one resource type apart. */
export interface ObjectOptions {
  readonly kind: string;
  readonly forceNew?: readonly string[];
  readonly defaults?: Defaults;
  /** Attributes that the API doesn't have: they live in the state only. */
  readonly stateOnly?: readonly string[];
  validate?(config: Values, report: Report): void;
  customizePlan?(planned: Values, prior: Values | null, call: Call): readonly Path[];
  /** Fields of the object besides its metadata; from the schema when left out. */
  fields?(planned: Values, call: Call): JsonObject;
  /** Changes the fields of an object that exists; all of them are replaced when left out. */
  patch?(manifest: Manifest, prior: Values, planned: Values, call: Call): void;
  /** Attributes besides the metadata; from the schema when left out. */
  attributes?(manifest: Manifest, state: Values): Values;
}

const SERVER_ATTRIBUTES = ["id", "metadata", "timeouts"];

/** The place that an id of the provider means. */
export function placeOf(kindName: string, id: string): Place {
  const kind = kindOf(kindName);
  if (!kind.namespaced) return { kind, name: id };
  const [namespace, name, ...rest] = id.split("/");
  if (!namespace || !name || rest.length > 0) {
    throw new ProviderError(`Unexpected ID format ("${id}"), expected "namespace/name".`);
  }
  return { kind, namespace, name };
}

const idOf = ({ metadata }: Manifest): string =>
  metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;

/** A resource type that is one kind of Kubernetes object. */
export function kubernetesObject(connect: Connect, options: ObjectOptions): ResourceHandler {
  const kind = kindOf(options.kind);
  const leftOut = [...SERVER_ATTRIBUTES, ...(options.stateOnly ?? [])];
  const fields = (planned: Values, call: Call) =>
    options.fields ? options.fields(planned, call) : toFields(call.block, planned, leftOut);
  const asRead = (manifest: Manifest, state: Values, call: Call): Values => {
    const own = options.attributes
      ? options.attributes(manifest, state)
      : fromFields(call.block, manifest as JsonObject, leftOut);
    const kept = Object.fromEntries(
      ["timeouts", ...(options.stateOnly ?? [])].map((name) => [name, state[name] ?? null]),
    );
    return { ...own, ...kept, id: idOf(manifest), metadata: readMetadata(manifest, state, call.config) };
  };
  return {
    forceNew: [
      "metadata.name",
      "metadata.generate_name",
      ...(kind.namespaced ? ["metadata.namespace"] : []),
      ...(options.forceNew ?? []),
    ],
    defaults: { ...(kind.namespaced ? { "metadata.namespace": "default" } : {}), ...options.defaults },
    volatile: ["resource_version", "generation"],
    validate: (config, report) => {
      validateMetadata(config, report);
      options.validate?.(config, report);
    },
    ...(options.customizePlan ? { customizePlan: options.customizePlan } : {}),
    create: async (planned, call) => {
      const metadata = newMetadata(planned, kind.namespaced);
      completeUnknowns(call.block, planned, {});
      const manifest = { apiVersion: kind.apiVersion, kind: kind.kind, ...fields(planned, call), metadata };
      return asRead(await connect(call).create(kind, manifest), planned, call);
    },
    read: async (state, call) => {
      const manifest = await connect(call).get(placeOf(options.kind, text(state.id) ?? ""));
      return manifest ? asRead(manifest, state, call) : null;
    },
    update: async (planned, prior, call) => {
      const api = connect(call);
      const place = placeOf(options.kind, text(prior.id) ?? "");
      const manifest = await api.get(place);
      if (!manifest) throw notFound(kind, place.name);
      completeUnknowns(call.block, planned, {});
      patchMetadata(manifest, prior, planned);
      if (options.patch) {
        options.patch(manifest, prior, planned, call);
      } else {
        const { apiVersion, metadata } = manifest;
        for (const name of Object.keys(manifest)) delete (manifest as JsonObject)[name];
        Object.assign(manifest, { apiVersion, kind: kind.kind, ...fields(planned, call), metadata });
      }
      return asRead(await api.replace(kind, manifest), planned, call);
    },
    remove: (prior, call) => connect(call).remove(placeOf(options.kind, text(prior.id) ?? "")),
    importState: (id) => {
      placeOf(options.kind, id);
      return { id };
    },
  };
}
