import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, type ApiObject, type KubernetesApi } from "./kubernetes-api";

/** What a kubelet and the controllers of the cluster would have written once everything runs; undefined: nothing. */
const FINISHED: Readonly<Record<string, (object: ApiObject) => object | undefined>> = {
  Deployment: ({ metadata, spec }) => {
    const replicas = spec.replicas ?? 1;
    return {
      observedGeneration: metadata.generation,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
      conditions: [
        {
          type: "Available",
          status: "True",
          reason: "MinimumReplicasAvailable",
          message: "played by the tests",
        },
        {
          type: "Progressing",
          status: "True",
          reason: "NewReplicaSetAvailable",
          message: "played by the tests",
        },
      ],
    };
  },
  StatefulSet: ({ metadata, spec }) => {
    const replicas = spec.replicas ?? 1;
    const revision = `revision-${metadata.generation}`;
    return {
      observedGeneration: metadata.generation,
      replicas,
      readyReplicas: replicas,
      currentReplicas: replicas,
      updatedReplicas: replicas,
      availableReplicas: replicas,
      currentRevision: revision,
      updateRevision: revision,
    };
  },
  DaemonSet: ({ metadata }) => ({
    observedGeneration: metadata.generation,
    currentNumberScheduled: 1,
    desiredNumberScheduled: 1,
    numberAvailable: 1,
    numberReady: 1,
    numberMisscheduled: 0,
    updatedNumberScheduled: 1,
  }),
  Job: ({ spec, metadata }) => ({
    startTime: metadata.creationTimestamp,
    completionTime: metadata.creationTimestamp,
    succeeded: spec.completions ?? 1,
    conditions: ["SuccessCriteriaMet", "Complete"].map((type) => ({
      type,
      status: "True",
      lastTransitionTime: metadata.creationTimestamp,
    })),
  }),
  // From the range for documentation, which leads nowhere.
  Service: ({ spec }) =>
    spec.type === "LoadBalancer" ? { loadBalancer: { ingress: [{ ip: "203.0.113.10" }] } } : undefined,
  PersistentVolumeClaim: ({ spec }) => ({
    phase: "Bound",
    accessModes: spec.accessModes,
    capacity: { storage: spec.resources.requests.storage },
  }),
};

/**
 * Plays the nodes: writes the status of workloads and volume claims as if their pods were running, once per object and
 * generation. It changes nothing else, so that the manifests stay those of production.
 */
export class StatusWriter {
  private readonly done = new Set<string>();
  private stopped = false;
  private readonly finished: Promise<void>;

  constructor(private readonly api: KubernetesApi) {
    this.finished = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.finished;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      // The API server may be away: tests kill it.
      await this.writeAll().catch(() => undefined);
      await sleep(100);
    }
  }

  private async writeAll(): Promise<void> {
    for (const [kind, statusOf] of Object.entries(FINISHED)) {
      for (const object of await this.api.list(kind)) {
        const { uid, generation, namespace, name } = object.metadata;
        const version = `${uid}/${generation ?? JSON.stringify(object.spec)}`;
        if (this.done.has(version)) continue;
        const status = statusOf(object);
        if (status === undefined) continue;
        try {
          await this.api.patch(kind, namespace, name, { status }, "/status");
          this.done.add(version);
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
        }
      }
    }
  }
}
