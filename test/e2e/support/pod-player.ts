import { setTimeout as sleep } from "node:timers/promises";
import type { ApiObject, KubernetesApi } from "./kubernetes-api";

const OWNERS = ["Deployment", "StatefulSet"] as const;
const BETWEEN_LOOKS_MS = 300;

/**
 * Plays the controllers that make pods: for each Deployment and StatefulSet as many pods as it has replicas, and new ones when its
 * template asks for something else. The pods have what matters to the room on nodes, and nothing of the rest.
 */
export class PodPlayer {
  private ending = false;
  private finished: Promise<void> = Promise.resolve();

  private constructor(private readonly api: KubernetesApi) {}

  /** Makes the pods of what is there, and follows the changes from now on. */
  static async start(api: KubernetesApi): Promise<PodPlayer> {
    const player = new PodPlayer(api);
    await player.look();
    player.finished = player.follow();
    return player;
  }

  /** Ends, and takes its pods away. */
  async stop(): Promise<void> {
    this.ending = true;
    await this.finished;
    for (const { metadata } of await this.api.list("Pod")) await this.remove(metadata);
  }

  private async follow(): Promise<void> {
    while (!this.ending) {
      await sleep(BETWEEN_LOOKS_MS);
      await this.look();
    }
  }

  private async look(): Promise<void> {
    const pods = new Map(
      (await this.api.list("Pod")).map((pod) => [`${pod.metadata.namespace}/${pod.metadata.name}`, pod]),
    );
    for (const kind of OWNERS)
      for (const owner of await this.api.list(kind))
        for (let index = 0; index < (owner.spec.replicas ?? 1); index++) {
          const pod = podOf(owner, index);
          const present = pods.get(`${pod.metadata.namespace}/${pod.metadata.name}`);
          if (present && asked(present.spec) === asked(owner.spec.template.spec)) continue;
          if (present) await this.remove(present.metadata);
          await this.api.create("Pod", pod);
        }
  }

  private remove({ namespace, name }: ApiObject["metadata"]): Promise<void> {
    // At once: a pod that no node has is not waited for.
    return this.api.delete("Pod", namespace, name);
  }
}

/** What the strictest Pod Security Standard asks for: what a chart sets isn't the point here, and stubs of charts set nothing. */
const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
};

function podOf({ metadata, spec }: ApiObject, index: number): ApiObject {
  const { containers, initContainers = [] } = spec.template.spec;
  const plain = ({ name, image, resources, restartPolicy }: any) => ({
    name,
    image,
    resources,
    restartPolicy,
    securityContext: RESTRICTED,
  });
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${metadata.name}-${index}`, namespace: metadata.namespace },
    spec: { containers: containers.map(plain), initContainers: initContainers.map(plain) },
  };
}

/** What a pod asks for, by container. */
function asked({ containers }: { containers: ReadonlyArray<{ name: string; resources?: any }> }): string {
  return JSON.stringify(
    containers.map(({ name, resources }) => {
      const { requests, limits } = resources ?? {};
      return [name, requests?.cpu ?? limits?.cpu, requests?.memory ?? limits?.memory];
    }),
  );
}
