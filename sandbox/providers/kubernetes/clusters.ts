import { text } from "../../protocol/values";
import type { DigitalOceanCloud } from "../digitalocean/cloud";
import { contextName, issueToken, kubeconfigText, tokenIsValid } from "../digitalocean/credentials";
import { CLUSTERS } from "../digitalocean/node-pools";
import type { ReachableCluster } from "./connection";
import { FileApi } from "./file-api";
import { nodesOf } from "./nodes";
import type { RealApis } from "./real-apis";

/** The Kubernetes APIs of the account's clusters: in files, or real ones. */
export class Clusters {
  private readonly apis = new Map<string, FileApi>();

  constructor(
    private readonly directory: string,
    private readonly cloud: DigitalOceanCloud,
    private readonly realApis: RealApis,
  ) {}

  /** The objects of a cluster in its file. */
  objectsOf(clusterId: string): FileApi {
    const found =
      this.apis.get(clusterId) ??
      new FileApi(this.directory, clusterId, {
        nodes: () => nodesOf(this.cloud, clusterId),
        version: () => text(this.cloud.object(CLUSTERS, clusterId)?.version) ?? "",
      });
    this.apis.set(clusterId, found);
    return found;
  }

  /** A cluster as the kubernetes provider reaches it. */
  find(clusterId: string): ReachableCluster | undefined {
    const cluster = this.cloud.object(CLUSTERS, clusterId);
    if (!cluster) return undefined;
    const api = this.realApis.find(text(cluster.name) ?? "") ?? this.objectsOf(clusterId);
    return { id: clusterId, credentialsKey: text(cluster.credentials_key) ?? "", api };
  }

  /** The cluster whose objects are in a file that a token was issued for; undefined when it is no cluster's, or expired. */
  ofToken(token: string): ReachableCluster | undefined {
    return Object.entries(this.cloud.objects(CLUSTERS))
      .filter(([, { name }]) => this.realApis.address(text(name) ?? "") === undefined)
      .map(([id]) => this.find(id))
      .find((cluster) => cluster && tokenIsValid(cluster.credentialsKey, token));
  }

  /**
   * The kubeconfig of a cluster; undefined when there is no such cluster.
   * @param server where objects in files are served, and with which certificate
   * @param lifetimeSeconds how long its token is good for, if it isn't that of a real API; null: seven days
   */
  kubeconfig(
    clusterId: string,
    server: { readonly address: string; readonly certificate: string },
    lifetimeSeconds: number | null,
  ): string | undefined {
    const cluster = this.cloud.object(CLUSTERS, clusterId);
    if (!cluster) return undefined;
    const name = contextName(cluster);
    const real = this.realApis.address(text(cluster.name) ?? "");
    const authority = real ? real.ca : server.certificate;
    return kubeconfigText({
      name,
      server: real?.server ?? server.address,
      ...(authority === undefined ? {} : { authority: Buffer.from(authority).toString("base64") }),
      token: real?.token ?? issueToken(clusterId, cluster, lifetimeSeconds).token,
    });
  }

  /** Forgets the objects of a cluster that is gone. */
  deleted(clusterId: string): void {
    this.objectsOf(clusterId).destroy();
    this.apis.delete(clusterId);
  }
}
