import type { JsonObject } from "../../clouds/cloud-file";
import { ProviderError } from "../../protocol/diagnostics";
import { isValues, text, type Value, type Values } from "../../protocol/values";
import type { Call, ResourceHandler } from "../provider";
import type { Manifest, Place } from "./api";
import { findKind, type Kind } from "./kinds";
import { managedKeys, partOf } from "./managed-fields";
import { metadataOf } from "./metadata";
import type { Connect } from "./resources";

/** Who owns a field when the configuration names no other. */
const DEFAULT_MANAGER = "Terraform";

type Part = "labels" | "annotations" | "data";

/** A resource type that manages a part of an object that somebody else owns, by server-side apply. */
interface SharedOptions {
  /** The attribute and part that is managed. */
  readonly part: Part;
  /** The kind, or undefined when the configuration names it. */
  readonly kind?: string;
  readonly forceNew: readonly string[];
  /** What the warning calls an object that is gone. */
  readonly missing: (name: string) => readonly [summary: string, detail: string];
  readonly absent: (name: string) => string;
}

function kindFor(options: SharedOptions, values: Values): Kind {
  const [name, version] = options.kind
    ? [options.kind, "v1"]
    : [text(values.kind) ?? "", text(values.api_version) ?? ""];
  const kind = findKind(name, version);
  if (!kind) throw new ProviderError(`no matches for kind "${name}" in version "${version}"`);
  return kind;
}

function placeFor(options: SharedOptions, values: Values): Place {
  const metadata = metadataOf(values);
  const kind = kindFor(options, values);
  const name = text(metadata.name) ?? "";
  return kind.namespaced ? { kind, name, namespace: text(metadata.namespace) ?? "default" } : { kind, name };
}

function idOf(options: SharedOptions, values: Values): string {
  const { name, namespace } = metadataOf(values);
  if (options.kind) return `${text(namespace)}/${text(name)}`;
  const scope = text(namespace) ? `,namespace=${text(namespace)}` : "";
  return `apiVersion=${text(values.api_version)},kind=${text(values.kind)},name=${text(name)}${scope}`;
}

function applied(options: SharedOptions, place: Place, map: Value | undefined): Manifest {
  const part = isValues(map) ? (map as JsonObject) : {};
  return {
    apiVersion: place.kind.apiVersion,
    kind: place.kind.kind,
    metadata: {
      name: place.name,
      ...(place.namespace === undefined ? {} : { namespace: place.namespace }),
      ...(options.part === "data" ? {} : { [options.part]: part }),
    },
    ...(options.part === "data" ? { data: part } : {}),
  };
}

/** What of an object's part belongs to this resource: what it manages and what it is configured to. */
function ownPart(options: SharedOptions, manifest: Manifest, state: Values): Value {
  const managed = managedKeys(manifest, text(state.field_manager) ?? DEFAULT_MANAGER, options.part);
  const configured = isValues(state[options.part]) ? (state[options.part] as Values) : {};
  const found = Object.entries(partOf(manifest, options.part)).filter(
    ([key]) => managed.includes(key) || key in configured,
  );
  return Object.fromEntries(found) as Values;
}

function shared(connect: Connect, options: SharedOptions): ResourceHandler {
  const write = async (planned: Values, call: Call): Promise<Values> => {
    const api = connect(call);
    const place = placeFor(options, planned);
    if (!(await api.get(place))) throw new ProviderError(options.absent(place.name));
    const manifest = await api.apply(
      place.kind,
      applied(options, place, planned[options.part]),
      text(planned.field_manager) ?? DEFAULT_MANAGER,
      planned.force === true,
    );
    const own = planned[options.part] === null ? null : ownPart(options, manifest, planned);
    return { ...planned, id: idOf(options, planned), [options.part]: own };
  };
  return {
    forceNew: options.forceNew,
    defaults: {
      field_manager: DEFAULT_MANAGER,
      ...(options.kind ? { "metadata.namespace": "default" } : {}),
    },
    create: write,
    update: (planned, _prior, call) => write(planned, call),
    read: async (state, call) => {
      const place = placeFor(options, state);
      const manifest = await connect(call).get(place);
      if (manifest) {
        const own = state[options.part] === null ? null : ownPart(options, manifest, state);
        return { ...state, [options.part]: own };
      }
      // The provider only warns: the object belongs to somebody else.
      call.warn(...options.missing(place.name));
      return state;
    },
    remove: async (prior, call) => {
      const api = connect(call);
      const place = placeFor(options, prior);
      if (!(await api.get(place))) return;
      const manager = text(prior.field_manager) ?? DEFAULT_MANAGER;
      await api.apply(place.kind, applied(options, place, {}), manager, prior.force === true);
    },
  };
}

const gone = (name: string) =>
  [
    "Resource deleted",
    `The underlying resource "${name}" has been deleted. You should recreate the underlying resource, or remove it from your configuration.`,
  ] as const;
const PLACE = ["api_version", "kind", "metadata.name", "metadata.namespace"];

/** `kubernetes_labels` */
export const labels = (connect: Connect): ResourceHandler =>
  shared(connect, {
    part: "labels",
    forceNew: PLACE,
    missing: gone,
    absent: (name) => `The resource "${name}" does not exist`,
  });

/** `kubernetes_annotations` of the object itself; annotations of a pod template are not part of the sandbox. */
export function annotations(connect: Connect): ResourceHandler {
  return {
    ...shared(connect, {
      part: "annotations",
      forceNew: PLACE,
      missing: gone,
      absent: (name) => `The resource "${name}" does not exist`,
    }),
    validate: (config, report) => {
      if (config.annotations === null && config.template_annotations === null) {
        report(["annotations"], '"annotations": one of `annotations,template_annotations` must be specified');
      }
      if (config.template_annotations !== null) {
        report(
          ["template_annotations"],
          "The sandbox has no pod templates to annotate",
          "Leave template_annotations out when you plan against the sandbox.",
        );
      }
    },
  };
}

/** `kubernetes_config_map_v1_data` */
export const configMapData = (connect: Connect): ResourceHandler =>
  shared(connect, {
    part: "data",
    kind: "ConfigMap",
    forceNew: ["metadata.name", "metadata.namespace"],
    missing: (name) => [
      "ConfigMap deleted",
      `The underlying configmap "${name}" has been deleted. You should recreate the underlying configmap, or remove it from your configuration.`,
    ],
    absent: (name) => `The ConfigMap "${name}" does not exist`,
  });
