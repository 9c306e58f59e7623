import { setTimeout as sleep } from "node:timers/promises";
import { KubeconfigRefused, type RoomForPods, readPods, roomForPods, withCluster } from "../cluster";
import { type Environment, mostNodes } from "../config";
import { formatAmount } from "../config/amounts";
import type { Output } from "../terminal/output";
import type { Variables } from "../terraform";

const BETWEEN_LOOKS_MS = 5_000;

export interface WaitForPods {
  readonly stack: string;
  readonly environment: Environment;
  readonly clusterId: string;
  readonly variables: Variables;
  readonly output: Output;
  /** How long to wait; 0: nobody looks. */
  readonly timeoutSeconds: number;
  readonly stopped: () => string | undefined;
  /** A command for the workspace, as people type it. */
  readonly npmRun: (command: string) => string;
  /** In a sandbox, where nothing runs by itself, a cluster that can't be asked is no reason to wait. */
  readonly sandbox: boolean;
}

/**
 * Waits until the pods that run in a cluster fit on the nodes that its workload pool is going to have, so that none of them is left
 * without a place when nodes go or get smaller. Flux makes them smaller meanwhile, from the ConfigMaps that are there already.
 * @throws Error when they still don't fit at the end, or when the cluster can't be asked: nothing has been taken away then
 */
export async function waitForPods(options: WaitForPods): Promise<void> {
  const { clusterId, variables, timeoutSeconds, stack, output, sandbox } = options;
  if (timeoutSeconds === 0) return;
  try {
    await withCluster({ clusterId, variables }, async (reader) => {
      await untilTheyFit(options, async () =>
        roomForPods(await readPods(reader), options.environment.cluster),
      );
    });
  } catch (error) {
    // Nothing runs in a cluster that is gone; terraform tells the rest.
    if (error instanceof KubeconfigRefused && error.gone) return;
    if (error instanceof PodsWithoutPlace) throw error;
    if (sandbox) {
      output.progress(
        stack,
        `whether pods would lose their place was not checked: ${(error as Error).message}`,
      );
      return;
    }
    throw new Error(
      `${stack}: nodes would go, and whether the pods fit on the others can't be seen: ${(error as Error).message}. Nothing was taken away. ${WITHOUT_WAITING}`,
    );
  }
}

/** Thrown when pods don't fit on the nodes that would be left. */
class PodsWithoutPlace extends Error {}

const WITHOUT_WAITING = "To go on without looking: `--pod-timeout 0`.";

async function untilTheyFit(
  { stack, environment, output, timeoutSeconds, stopped, npmRun }: WaitForPods,
  look: () => Promise<RoomForPods>,
): Promise<void> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  let told = "";
  for (;;) {
    const room = await look();
    if (room.fits) {
      const { cluster } = environment;
      const nodes = `${mostNodes(cluster)} nodes of ${cluster.node.slug}`;
      output.progress(
        stack,
        told === ""
          ? `nodes may go: ${room.pods} pods fit on ${nodes}`
          : `the pods fit now: ${room.pods} on ${nodes}`,
      );
      return;
    }
    const problem = inWords(room, environment);
    if (stopped() !== undefined)
      throw new PodsWithoutPlace(`nothing was taken away while the pods didn't fit (${problem})`);
    if (Date.now() >= deadline) {
      throw new PodsWithoutPlace(
        `${stack}: after ${timeoutSeconds} s ${problem}. Nothing was taken away; the new sizes are in the ConfigMaps. Is Flux at work, and does something else ask for more than before (\`${npmRun("status")}\`)? Then deploy again; it goes on from here. ${WITHOUT_WAITING}`,
      );
    }
    if (problem !== told) output.progress(stack, `waits for the pods to shrink: ${problem}`);
    told = problem;
    await sleep(Math.min(BETWEEN_LOOKS_MS, Math.max(0, deadline - Date.now())));
  }
}

function inWords({ asked, pods, needed, largest }: RoomForPods, { cluster }: Environment): string {
  const [first] = largest;
  if (needed === undefined && first)
    return `${first.name} asks for ${formatAmount(first.asked)}, which is more than a node of ${cluster.node.slug} has free`;
  const names = largest.map(({ name }) => name).join(", ");
  return `${pods} pods ask for ${formatAmount(asked)}, which takes ${needed} nodes of ${cluster.node.slug}, and there will be ${mostNodes(cluster)} (largest: ${names})`;
}
