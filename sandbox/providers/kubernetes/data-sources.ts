import type { Json, JsonObject } from "../../clouds/cloud-file";
import { isValues, text, type Value, type Values } from "../../protocol/values";
import type { Call, DataSourceHandler } from "../provider";
import type { Manifest } from "./api";
import { kindOf } from "./kinds";
import { metadataOf, readMetadata } from "./metadata";
import { type Connect, placeOf } from "./resources";

async function find(
  connect: Connect,
  call: Call,
  kindName: string,
  config: Values,
): Promise<Manifest | undefined> {
  const { name, namespace } = metadataOf(config);
  const kind = kindOf(kindName);
  const id = kind.namespaced ? `${text(namespace) ?? "default"}/${text(name)}` : (text(name) ?? "");
  return connect(call).get(placeOf(kindName, id));
}

const decode = (data: Json | undefined): Values =>
  Object.fromEntries(
    Object.entries((data ?? {}) as JsonObject).map(([key, value]) => [
      key,
      Buffer.from(String(value), "base64").toString("utf8"),
    ]),
  );

/** The id of an object, and its metadata with all its labels and annotations. */
function common(manifest: Manifest, config: Values, call: Call): Values {
  const { namespace, name } = manifest.metadata;
  const all = {
    metadata: [
      { labels: manifest.metadata.labels ?? null, annotations: manifest.metadata.annotations ?? null },
    ],
  };
  return {
    ...config,
    id: namespace === undefined ? name : `${namespace as string}/${name}`,
    metadata: readMetadata(manifest, all as Values, call.config),
  };
}

/** Terraform leaves a data source empty whose object doesn't exist, as the provider does. */
const nothing = (config: Values): Values => ({ ...config, id: null });

function nodeValues({ metadata, spec, status }: Manifest): Values {
  const [own, state] = [spec as JsonObject, status as JsonObject];
  return {
    metadata: [
      {
        name: metadata.name,
        labels: (metadata.labels ?? {}) as Values,
        annotations: (metadata.annotations ?? {}) as Values,
        generation: 0,
        resource_version: (metadata.resourceVersion ?? "") as string,
        uid: (metadata.uid ?? "") as string,
      },
    ],
    spec: [
      {
        pod_cidr: (own?.podCIDR ?? "") as string,
        pod_cidrs: (own?.podCIDRs ?? []) as Value[],
        provider_id: (own?.providerID ?? "") as string,
        taints: (own?.taints ?? []) as Value[],
        unschedulable: own?.unschedulable === true,
      },
    ],
    status: [
      {
        addresses: (state?.addresses ?? []) as Value[],
        allocatable: (state?.allocatable ?? {}) as Values,
        capacity: (state?.capacity ?? {}) as Values,
        conditions: [],
        node_info: [],
      },
    ],
  };
}

/** Every data source of the schema. */
export function dataSources(connect: Connect): Record<string, DataSourceHandler> {
  return {
    kubernetes_config_map_v1: async (config, call) => {
      const found = await find(connect, call, "ConfigMap", config);
      if (!found) return nothing(config);
      return {
        ...common(found, config, call),
        data: (found.data ?? {}) as Values,
        binary_data: (found.binaryData ?? {}) as Values,
        immutable: found.immutable === true,
      };
    },
    kubernetes_namespace_v1: async (config, call) => {
      const found = await find(connect, call, "Namespace", config);
      if (!found) return nothing(config);
      return { ...common(found, config, call), spec: [{ finalizers: ["kubernetes"] }] };
    },
    kubernetes_secret_v1: async (config, call) => {
      const found = await find(connect, call, "Secret", config);
      if (!found) return nothing(config);
      const binary = isValues(config.binary_data) ? config.binary_data : {};
      const all = (found.data ?? {}) as JsonObject;
      return {
        ...common(found, config, call),
        data: Object.fromEntries(Object.entries(decode(all)).filter(([key]) => !(key in binary))),
        binary_data: isValues(config.binary_data)
          ? Object.fromEntries(Object.keys(binary).map((key) => [key, (all[key] ?? null) as Value]))
          : null,
        type: (found.type ?? "Opaque") as string,
        immutable: found.immutable === true,
      };
    },
    kubernetes_nodes: async (config, call) => {
      const wanted = metadataOf(config).labels;
      const labels = isValues(wanted) ? Object.entries(wanted) : [];
      const nodes = (await connect(call).list(kindOf("Node"))).filter(({ metadata }) =>
        labels.every(([key, value]) => (metadata.labels as JsonObject | undefined)?.[key] === value),
      );
      return { ...config, id: "nodes", nodes: nodes.map(nodeValues) };
    },
    kubernetes_server_version: async (config, call) => {
      const version = await connect(call).version();
      return {
        ...config,
        id: version.gitVersion ?? "",
        version: (version.gitVersion ?? "").replace(/^v/, ""),
        major: version.major ?? null,
        minor: version.minor ?? null,
        git_version: version.gitVersion ?? null,
        git_commit: version.gitCommit ?? null,
        git_tree_state: version.gitTreeState ?? null,
        build_date: version.buildDate ?? null,
        go_version: version.goVersion ?? null,
        compiler: version.compiler ?? null,
        platform: version.platform ?? null,
      };
    },
  };
}
