import { CONNECTION_RESET, ProviderError } from "../../protocol/diagnostics";
import type { ProviderSchema } from "../../protocol/schema";
import { text } from "../../protocol/values";
import type { Operation, ProviderDefinition } from "../provider";
import { regionData, sizesData } from "./catalog-data";
import { apiError, type DigitalOceanCloud } from "./cloud";
import { type ClusterObjects, cluster, clusterData, versionsData } from "./cluster";
import { domain, domainData, record } from "./domain";
import { nodePool } from "./node-pools";
import { plainResources } from "./plain-resources";
import { project, projectData, projectResources } from "./project";
import { spacesBucket, spacesKey } from "./spaces";
import { vpc, vpcData } from "./vpc";

const METHODS: Readonly<Record<Operation, "GET" | "POST" | "PUT" | "DELETE">> = {
  plan: "GET",
  read: "GET",
  create: "POST",
  update: "PUT",
  delete: "DELETE",
};

const MESSAGES = {
  "429": { status: 429, text: "API rate limit exceeded." },
  "500": { status: 500, text: "Server was unable to give you a response." },
} as const;

/** `digitalocean_kubernetes_node_pool` → `kubernetes/node_pools`, `digitalocean_kubernetes_versions` → `kubernetes/versions`. */
function pathOf(type: string): string {
  return `${type
    .replace(/^digitalocean_/, "")
    .replace(/^kubernetes_/, "kubernetes/")
    .replace(/s?$/, "s")}`;
}

/** The stand-in of digitalocean/digitalocean. */
export function digitalOcean(cloud: DigitalOceanCloud, objects: ClusterObjects): ProviderDefinition {
  return {
    name: "digitalocean",
    address: "registry.terraform.io/digitalocean/digitalocean",
    schema: async () =>
      (await import("../../schemas/digitalocean.json")).default as unknown as ProviderSchema,
    resources: {
      ...plainResources(cloud),
      digitalocean_domain: domain(cloud),
      digitalocean_kubernetes_cluster: cluster(cloud, objects),
      digitalocean_kubernetes_node_pool: nodePool(cloud),
      digitalocean_project: project(cloud),
      digitalocean_project_resources: projectResources(cloud),
      digitalocean_record: record(cloud),
      digitalocean_spaces_bucket: spacesBucket(cloud),
      digitalocean_spaces_key: spacesKey(cloud),
      digitalocean_vpc: vpc(cloud),
    },
    dataSources: {
      digitalocean_account: (config) => {
        const account = cloud.account();
        return {
          ...config,
          id: text(account.uuid) ?? "",
          uuid: account.uuid ?? null,
          email: account.email ?? null,
          email_verified: true,
          droplet_limit: account.droplet_limit ?? null,
          floating_ip_limit: 3,
          status: account.status ?? null,
          status_message: "",
        };
      },
      digitalocean_domain: domainData(cloud),
      digitalocean_kubernetes_cluster: clusterData(cloud),
      digitalocean_kubernetes_versions: versionsData(cloud),
      digitalocean_project: projectData(cloud),
      digitalocean_region: regionData,
      digitalocean_sizes: sizesData,
      digitalocean_vpc: vpcData(cloud),
    },
    // godo's client, with the provider's default of http_retry_max.
    repeats: 4,
    apiFault: (kind, type, operation) => {
      const prefix = `Error in ${operation} of ${type}`;
      if (kind === "unanswered") {
        const [method, url] = [METHODS[operation], `https://api.digitalocean.com/v2/${pathOf(type)}`];
        const verb = `${method[0]}${method.slice(1).toLowerCase()}`;
        return new ProviderError(
          `${prefix}: ${method} ${url} giving up after 5 attempt(s): ${verb} "${url}": ${CONNECTION_RESET}`,
        );
      }
      if (kind === "timeout") {
        const error = apiError(prefix, METHODS[operation], pathOf(type), 504, "");
        error.message = `${prefix}: ${METHODS[operation]} "https://api.digitalocean.com/v2/${pathOf(type)}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`;
        return error;
      }
      const { status, text: message } = MESSAGES[kind];
      return apiError(prefix, METHODS[operation], pathOf(type), status, message);
    },
  };
}
