import { ProviderError } from "../../protocol/diagnostics";
import { list, text, Unknown, type Values } from "../../protocol/values";
import { certificateAuthority, tokenIsValid } from "../digitalocean/credentials";
import type { Call } from "../provider";
import { type KubernetesApi, UnreachableApi } from "./api";

/** A cluster of the account, as a connection needs it. */
export interface ReachableCluster {
  readonly id: string;
  readonly credentialsKey: string;
  readonly api: KubernetesApi;
}

/** Finds a cluster by the id in its host name. */
export type FindCluster = (clusterId: string) => ReachableCluster | undefined;

const CLUSTER_HOST = /^(?:https:\/\/)?([0-9a-f-]{36})\.k8s\.ondigitalocean\.com(?::443)?\/?$/;

/** Where the provider connects to when it has no host. */
const NO_HOST = new UnreachableApi("http://localhost", "dial tcp 127.0.0.1:80: connect: connection refused");

function hostName(host: string): string {
  return host.replace(/^https?:\/\//, "").replace(/[:/].*$/, "");
}

function authenticate(config: Values, cluster: ReachableCluster, host: string): KubernetesApi {
  const certificate = text(config.cluster_ca_certificate);
  if (config.insecure !== true && certificate?.trim() !== certificateAuthority(cluster.id).trim()) {
    return new UnreachableApi(
      host,
      "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    );
  }
  // A plugin such as doctl gets its credentials from the account: it is not run, and taken for good.
  if (list(config.exec).length > 0) return cluster.api;
  const token = text(config.token);
  if (token === undefined || !tokenIsValid(cluster.credentialsKey, token))
    throw new ProviderError("Unauthorized");
  return cluster.api;
}

/** The API that a provider block points to; one that fails every call when there is none. */
export function connectTo({ config }: Call, find: FindCluster): KubernetesApi {
  const { host } = config;
  if (text(config.config_path) || list(config.config_paths).length > 0) {
    throw new ProviderError(
      "The sandbox reads no kubeconfig files",
      "Configure the kubernetes provider with host, token and cluster_ca_certificate from the digitalocean_kubernetes_cluster data source.",
    );
  }
  const address = text(host);
  if (host instanceof Unknown || address === undefined) return NO_HOST;
  const cluster = find(CLUSTER_HOST.exec(address)?.[1] ?? "");
  if (!cluster) return new UnreachableApi(address, `dial tcp: lookup ${hostName(address)}: no such host`);
  return authenticate(config, cluster, address.replace(/\/$/, ""));
}
