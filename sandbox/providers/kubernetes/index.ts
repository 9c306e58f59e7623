import { CONNECTION_RESET, ProviderError } from "../../protocol/diagnostics";
import type { ProviderSchema } from "../../protocol/schema";
import type { ProviderDefinition, ResourceHandler } from "../provider";
import { configMap, secret } from "./config-objects";
import { connectTo, type FindCluster } from "./connection";
import { dataSources } from "./data-sources";
import { type Connect, kubernetesObject } from "./resources";
import { annotations, configMapData, labels } from "./shared-objects";

/** Types whose attributes are the object's fields under other names. */
function plainObjects(connect: Connect): Record<string, ResourceHandler> {
  return {
    kubernetes_namespace_v1: kubernetesObject(connect, {
      kind: "Namespace",
      defaults: { wait_for_default_service_account: false },
      stateOnly: ["wait_for_default_service_account"],
      patch: () => undefined,
      fields: () => ({}),
      attributes: () => ({}),
    }),
    kubernetes_service_account_v1: kubernetesObject(connect, {
      kind: "ServiceAccount",
      defaults: { automount_service_account_token: true },
      stateOnly: ["default_secret_name"],
    }),
    kubernetes_limit_range_v1: kubernetesObject(connect, { kind: "LimitRange" }),
    kubernetes_resource_quota_v1: kubernetesObject(connect, {
      kind: "ResourceQuota",
      forceNew: ["spec.scopes"],
    }),
    kubernetes_priority_class_v1: kubernetesObject(connect, {
      kind: "PriorityClass",
      forceNew: ["value", "preemption_policy"],
      defaults: { description: "", global_default: false, preemption_policy: "PreemptLowerPriority" },
      validate: (config, report) => {
        const policy = config.preemption_policy;
        if (typeof policy === "string" && !["Never", "PreemptLowerPriority"].includes(policy)) {
          report(
            ["preemption_policy"],
            `expected preemption_policy to be one of ["PreemptLowerPriority" "Never"], got ${policy}`,
          );
        }
      },
    }),
    kubernetes_storage_class_v1: kubernetesObject(connect, {
      kind: "StorageClass",
      forceNew: [
        "parameters",
        "storage_provisioner",
        "volume_binding_mode",
        "mount_options",
        "allowed_topologies",
      ],
      defaults: { reclaim_policy: "Delete", volume_binding_mode: "Immediate", allow_volume_expansion: true },
      validate: (config, report) => {
        const policy = config.reclaim_policy;
        if (typeof policy === "string" && !["Recycle", "Delete", "Retain"].includes(policy)) {
          report(
            ["reclaim_policy"],
            `expected reclaim_policy to be one of ["Recycle" "Delete" "Retain"], got ${policy}`,
          );
        }
      },
    }),
    kubernetes_cluster_role_binding_v1: kubernetesObject(connect, {
      kind: "ClusterRoleBinding",
      forceNew: ["role_ref"],
    }),
    kubernetes_network_policy_v1: kubernetesObject(connect, {
      kind: "NetworkPolicy",
      defaults: { "spec.ingress.ports.protocol": "TCP", "spec.egress.ports.protocol": "TCP" },
    }),
    kubernetes_job_v1: kubernetesObject(connect, {
      kind: "Job",
      defaults: { wait_for_completion: true },
      stateOnly: ["wait_for_completion"],
    }),
  };
}

const MESSAGES = {
  "429": "the server has received too many requests and has asked us to try again later",
  "500": "Internal error occurred: etcdserver: leader changed",
  timeout: "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
  unanswered: CONNECTION_RESET,
} as const;

/** The stand-in of hashicorp/kubernetes. */
export function kubernetes(find: FindCluster): ProviderDefinition {
  const connect: Connect = (call) => connectTo(call, find);
  return {
    name: "kubernetes",
    address: "registry.terraform.io/hashicorp/kubernetes",
    schema: async () => (await import("../../schemas/kubernetes.json")).default as unknown as ProviderSchema,
    resources: {
      ...plainObjects(connect),
      kubernetes_annotations: annotations(connect),
      kubernetes_config_map_v1: configMap(connect),
      kubernetes_config_map_v1_data: configMapData(connect),
      kubernetes_labels: labels(connect),
      kubernetes_secret_v1: secret(connect),
    },
    dataSources: dataSources(connect),
    // client-go repeats a call only where the server asks for it.
    repeats: 0,
    apiFault: (kind, type, operation) => new ProviderError(`${operation} of ${type}: ${MESSAGES[kind]}`),
  };
}
