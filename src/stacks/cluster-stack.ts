import { DataDigitaloceanKubernetesVersions } from "@cdktf/provider-digitalocean/lib/data-digitalocean-kubernetes-versions";
import { Domain } from "@cdktf/provider-digitalocean/lib/domain";
import { KubernetesCluster } from "@cdktf/provider-digitalocean/lib/kubernetes-cluster";
import { KubernetesNodePool } from "@cdktf/provider-digitalocean/lib/kubernetes-node-pool";
import { Project as DigitaloceanProject } from "@cdktf/provider-digitalocean/lib/project";
import { ProjectResources } from "@cdktf/provider-digitalocean/lib/project-resources";
import { DigitaloceanProvider } from "@cdktf/provider-digitalocean/lib/provider";
import { Vpc } from "@cdktf/provider-digitalocean/lib/vpc";
import { Fn } from "cdktf";
import type { Construct } from "constructs";
import {
  type Cluster,
  type Environment,
  type NodePool,
  POOL_LABEL,
  SYSTEM_POOL,
  WORKLOAD_POOL,
} from "../config";
import { EnvironmentStack, type EnvironmentStackProps } from "./environment-stack";

/** DigitalOcean project, network, cluster, node pools and, in production, the domain. */
export class ClusterStack extends EnvironmentStack {
  /** Cross-stack output: the cluster's id. Credentials never cross stacks (they live 7 days, and states are plain text). */
  readonly clusterId: string;
  /** Cross-stack output: the cluster's name. */
  readonly clusterName: string;

  constructor(scope: Construct, props: EnvironmentStackProps) {
    super(scope, "cluster", props);
    const { project, environment } = props;
    new DigitaloceanProvider(this, "digitalocean");

    const digitaloceanProject = new DigitaloceanProject(this, "project", {
      name: environment.cluster.name,
      description: project.description,
      purpose: "Web Application",
      environment: environment.production ? "Production" : "Staging",
    });
    const vpc = new Vpc(this, "vpc", {
      name: environment.cluster.name,
      region: environment.cluster.region,
      ipRange: environment.cluster.vpcIpRange,
      // A VPC that still has members can't be deleted, and members linger after the cluster is gone.
      timeouts: { delete: "15m" },
      lifecycle: environment.production ? { preventDestroy: true } : undefined,
    });
    const cluster = this.cluster(environment, vpc);
    this.nodePool(cluster, {
      name: WORKLOAD_POOL,
      node: environment.cluster.node,
      nodeCount: environment.cluster.nodeCount,
      autoscaling: environment.cluster.autoscaling,
      labels: {},
      taints: [],
    });
    for (const pool of environment.cluster.pools) this.nodePool(cluster, pool);

    const domain = environment.production ? this.domain(project.domain) : undefined;
    new ProjectResources(this, "project-resources", {
      project: digitaloceanProject.id,
      resources: [cluster.urn, ...(domain ? [domain.urn] : [])],
    });

    this.clusterId = cluster.id;
    this.clusterName = cluster.name;
    this.outputs({
      cluster_id: cluster.id,
      cluster_name: cluster.name,
      cluster_version: cluster.version,
      region: cluster.region,
      project_id: digitaloceanProject.id,
      vpc_id: vpc.id,
    });
  }

  private cluster({ production, cluster }: Environment, vpc: Vpc): KubernetesCluster {
    const versions = new DataDigitaloceanKubernetesVersions(this, "versions", {
      versionPrefix: cluster.version && `${cluster.version}.`,
    });
    // What DigitalOcean's API takes for the newest patch. It stands for a version that is not offered.
    const unresolved = cluster.version ?? "latest";
    return new KubernetesCluster(this, "cluster", {
      name: cluster.name,
      region: cluster.region,
      version: Fn.coalesce([versions.latestVersion, unresolved]),
      vpcUuid: vpc.id,
      // Always explicit: omitted means true with newer versions, and it can never go back to false.
      ha: cluster.haControlPlane,
      autoUpgrade: true,
      surgeUpgrade: true,
      maintenancePolicy: cluster.maintenance,
      // Load balancers and volumes outlive a cluster by default. That protects production's data and litters staging.
      destroyAllAssociatedResources: !production,
      nodePool: { ...SYSTEM_POOL, labels: { [POOL_LABEL]: SYSTEM_POOL.name } },
      lifecycle: {
        preventDestroy: production,
        // DigitalOcean upgrades by itself, and a lower version would replace the cluster. A deploy that upgrades plans a copy of
        // the stack without this line (src/terraform/upgrading-stack.ts).
        ignoreChanges: ["version"],
        // Of the cluster itself: one that runs has a version, whatever is offered.
        postcondition: [
          {
            condition: `\${self.version != "${unresolved}"}`,
            errorMessage: notOffered(cluster.version),
          },
        ],
      },
    });
  }

  /** The size is part of the pool's name, so that the new pool can stand beside the old one until its pods have moved. */
  private nodePool(
    cluster: KubernetesCluster,
    pool: NodePool | (Omit<NodePool, "name"> & { readonly name: typeof WORKLOAD_POOL }),
  ): void {
    new KubernetesNodePool(this, `node-pool-${pool.name}`, {
      clusterId: cluster.id,
      name: `${pool.name}-${pool.node.slug.replaceAll("_", "-")}`,
      size: pool.node.slug,
      nodeCount: pool.nodeCount,
      ...autoscalingOf(pool),
      labels: { ...pool.labels, [POOL_LABEL]: pool.name },
      taint: pool.taints.map((taint) => ({ ...taint })),
      lifecycle: {
        createBeforeDestroy: true,
        // The autoscaler moves the count; without it the configuration does.
        ignoreChanges: pool.autoscaling ? ["node_count"] : undefined,
      },
    });
  }

  /** Deleting the domain deletes its zone with every record in it, those of external-dns included. */
  private domain(name: string): Domain {
    return new Domain(this, "domain", { name, lifecycle: { preventDestroy: true } });
  }
}

/** terraform's message for a new cluster, or an upgrade, in a version that can't be had. */
function notOffered(version: string | undefined): string {
  return `DigitalOcean doesn't offer ${version ? `Kubernetes ${version}` : "any Kubernetes version"} (any more): set cluster.version in the configuration to a minor version that \`doctl kubernetes options versions\` lists, or leave it out.`;
}

function autoscalingOf({ autoscaling }: Pick<Cluster, "autoscaling">) {
  return autoscaling
    ? { autoScale: true, minNodes: autoscaling.minNodes, maxNodes: autoscaling.maxNodes }
    : { autoScale: false };
}
