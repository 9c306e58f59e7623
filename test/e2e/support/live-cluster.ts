import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { REPOSITORY } from "../../support/example";
import { type ControlPlane, startControlPlane } from "./control-plane";
import { applyDefinitions, type FluxControllers, kubectl, startFlux } from "./flux-controllers";
import type { ApiObject } from "./kubernetes-api";
import { Processes } from "./processes";
import { StatusWriter } from "./status-writer";
import { treeFlags } from "./tree-flags";

export interface LiveClusterOptions {
  /** Name of the cluster, as the configuration derives it. */
  readonly name: string;
  readonly environment: string;
  readonly directory: string;
  /** Folders with the CustomResourceDefinitions of the Flux controllers. */
  readonly definitions: readonly string[];
}

/** What every DOKS cluster has: without it the API refuses that a volume grows. */
const STORAGE_CLASS = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "do-block-storage" },
  provisioner: "dobs.csi.digitalocean.com",
  allowVolumeExpansion: true,
};

/** A real Kubernetes API with the real Flux controllers, and the status of workloads played. */
export class LiveCluster {
  private constructor(
    readonly options: LiveClusterOptions,
    readonly processes: Processes,
    readonly controlPlane: ControlPlane,
    readonly flux: FluxControllers,
    readonly statusWriter: StatusWriter,
  ) {}

  /** Starts everything; Flux has nothing to do until {@link follow}. */
  static async start(options: LiveClusterOptions): Promise<LiveCluster> {
    const processes = new Processes(path.join(options.directory, "logs"));
    try {
      const controlPlane = await startControlPlane(processes, path.join(options.directory, "control-plane"));
      applyDefinitions(controlPlane.kubeconfig, options.definitions);
      kubectl(controlPlane.kubeconfig, ["apply", "-f", "-"], JSON.stringify(STORAGE_CLASS));
      const flux = await startFlux(processes, {
        directory: path.join(options.directory, "flux"),
        controlPlane,
        flags: treeFlags(REPOSITORY, options.environment),
      });
      return new LiveCluster(options, processes, controlPlane, flux, new StatusWriter(controlPlane.api));
    } catch (error) {
      await processes.stopAll();
      throw error;
    }
  }

  get api(): ControlPlane["api"] {
    return this.controlPlane.api;
  }

  kubectl(...parameters: string[]): string {
    return kubectl(this.controlPlane.kubeconfig, parameters);
  }

  /** What `flux bootstrap` applies last: the source and the Kustomization of the environment's folder. */
  follow(repository: string): void {
    const metadata = { name: "flux-system", namespace: "flux-system" };
    const objects = [
      {
        apiVersion: "source.toolkit.fluxcd.io/v1",
        kind: "GitRepository",
        metadata,
        spec: { interval: "1m", url: repository, ref: { branch: "main" } },
      },
      {
        apiVersion: "kustomize.toolkit.fluxcd.io/v1",
        kind: "Kustomization",
        metadata,
        spec: {
          interval: "10m",
          path: `./flux/clusters/${this.options.environment}`,
          prune: true,
          sourceRef: { kind: "GitRepository", name: "flux-system" },
        },
      },
    ];
    kubectl(
      this.controlPlane.kubeconfig,
      ["apply", "--server-side", "-f", "-"],
      JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }),
    );
  }

  /** Tells Flux that something was pushed, as its receiver does. */
  async notify(): Promise<void> {
    await this.api.patch("GitRepository", "flux-system", "flux-system", {
      metadata: { annotations: { "reconcile.fluxcd.io/requestedAt": String(Date.now()) } },
    });
  }

  /**
   * Waits until every Kustomization and HelmRelease is ready.
   * @param patience in seconds
   * @throws Error that lists what is not ready, with Flux's own message
   */
  async untilReady(patience: number): Promise<void> {
    await until(patience, async () => {
      const kustomizations = await this.api.list("Kustomization");
      const objects = [...kustomizations, ...(await this.api.list("HelmRelease"))];
      const failing = objects.filter((object) => !isReady(object));
      if (objects.length > 2 && failing.length === 0) return undefined;
      return (
        failing
          .map((object) => `${object.kind ?? ""} ${object.metadata.name}: ${readyMessage(object)}`)
          .join("\n") || "nothing there yet"
      );
    });
  }

  async stop(): Promise<void> {
    await this.statusWriter.stop();
    this.api.close();
    await this.processes.stopAll();
  }
}

function readyCondition(
  object: ApiObject,
): { status: string; message: string; observedGeneration?: number } | undefined {
  return object.status?.conditions?.find(({ type }: { type: string }) => type === "Ready");
}

function isReady(object: ApiObject): boolean {
  const condition = readyCondition(object);
  return condition?.status === "True" && object.status.observedGeneration === object.metadata.generation;
}

/** What Flux says of an object. */
export function readyMessage(object: ApiObject): string {
  return readyCondition(object)?.message ?? "not reconciled yet";
}

/**
 * Asks again until there is nothing to complain about.
 * @param patience in seconds
 * @param pause between two questions, in milliseconds
 * @throws Error with the last complaint
 */
export async function until(
  patience: number,
  complaint: () => Promise<string | undefined>,
  pause = 50,
): Promise<void> {
  const end = Date.now() + patience * 1000;
  for (;;) {
    const text = await complaint().catch((error: Error) => error.message);
    if (text === undefined) return;
    if (Date.now() > end) throw new Error(`after ${patience} s: ${text}`);
    await sleep(pause);
  }
}
