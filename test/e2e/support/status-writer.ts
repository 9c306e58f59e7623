import { setTimeout as sleep } from "node:timers/promises";
import type { ApiObject, KubernetesApi } from "./kubernetes-api";

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
  /** What changed while it was paused, by uid. */
  private readonly waiting = new Map<string, () => Promise<void>>();
  private readonly ending = new AbortController();
  private paused = false;
  private readonly finished: Promise<unknown>;

  constructor(private readonly api: KubernetesApi) {
    this.finished = Promise.all(Object.keys(FINISHED).map((kind) => this.follow(kind)));
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.finished;
  }

  /** From now on nothing becomes ready, so that whatever waits for it goes on waiting. */
  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    const writes = [...this.waiting.values()];
    this.waiting.clear();
    for (const write of writes) void write();
  }

  private async follow(kind: string): Promise<void> {
    while (!this.ending.signal.aborted) {
      await this.api.watch(kind, (object) => this.changed(kind, object), this.ending.signal);
      // The API server may be away: tests kill it. A new watch begins with everything that is there.
      await sleep(100);
    }
  }

  private changed(kind: string, object: ApiObject): void {
    const write = (): Promise<void> => this.write(kind, object);
    if (this.paused) this.waiting.set(object.metadata.uid, write);
    else void write();
  }

  private async write(kind: string, object: ApiObject): Promise<void> {
    const { uid, generation, namespace, name, deletionTimestamp } = object.metadata;
    const version = `${uid}/${generation ?? JSON.stringify(object.spec)}`;
    if (deletionTimestamp || this.done.has(version)) return;
    const status = FINISHED[kind]?.(object);
    if (status === undefined) return;
    this.done.add(version);
    try {
      await this.api.patch(kind, namespace, name, { status }, "/status");
    } catch {
      // Gone meanwhile, or the API server is away: then the next watch brings the object again.
      this.done.delete(version);
    }
  }
}
