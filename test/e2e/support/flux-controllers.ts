import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { clusterProgram } from "../../../scripts/tools/cluster-program";
import type { ControlPlane } from "./control-plane";
import { freePorts, type Processes } from "./processes";

export const CONTROLLERS = [
  "source-controller",
  "kustomize-controller",
  "helm-controller",
  "notification-controller",
] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** The real Flux controllers as processes. */
export interface FluxControllers {
  /** Where the receiver of pushes listens. */
  readonly receiver: string;
  /** Starts one again after it was stopped or killed, if need be with flags that count more than the usual ones. */
  start(controller: Controller, flags?: readonly string[]): Promise<void>;
}

export interface FluxOptions {
  readonly directory: string;
  readonly controlPlane: ControlPlane;
  /** Flags beside those that every run has, per controller: the customisation that the tree asks for. */
  readonly flags: Readonly<Partial<Record<Controller, readonly string[]>>>;
}

/** Starts the controllers against an API that has their CustomResourceDefinitions. */
export async function startFlux(processes: Processes, options: FluxOptions): Promise<FluxControllers> {
  const { directory, controlPlane } = options;
  const [storagePort = 0, eventsPort = 0, receiverPort = 0, ...own] = await freePorts(
    CONTROLLERS.length * 2 + 3,
  );
  const events = `http://127.0.0.1:${eventsPort}/`;
  const ownFlags: Readonly<Record<Controller, readonly string[]>> = {
    "source-controller": [
      `--events-addr=${events}`,
      "--interval-jitter-percentage=0",
      `--storage-path=${path.join(directory, "source-controller", "data")}`,
      `--storage-addr=127.0.0.1:${storagePort}`,
      `--storage-adv-addr=127.0.0.1:${storagePort}`,
    ],
    "kustomize-controller": [`--events-addr=${events}`, "--interval-jitter-percentage=0"],
    "helm-controller": [`--events-addr=${events}`, "--interval-jitter-percentage=0"],
    "notification-controller": [
      `--events-addr=127.0.0.1:${eventsPort}`,
      `--receiverAddr=127.0.0.1:${receiverPort}`,
    ],
  };
  const start = (controller: Controller, flags: readonly string[] = []): Promise<void> => {
    const index = CONTROLLERS.indexOf(controller);
    const [metrics = 0, health = 0] = own.slice(index * 2);
    const home = path.join(directory, controller);
    const temporary = path.join(home, "tmp");
    mkdirSync(temporary, { recursive: true });
    return processes.start(controller, {
      program: clusterProgram(controller),
      directory: home,
      parameters: [
        `--metrics-addr=127.0.0.1:${metrics}`,
        `--health-addr=127.0.0.1:${health}`,
        "--log-level=info",
        ...ownFlags[controller],
        ...(options.flags[controller] ?? []),
        ...flags,
      ],
      environment: {
        PATH: process.env.PATH ?? "",
        HOME: home,
        TMPDIR: temporary,
        KUBECONFIG: controlPlane.kubeconfig,
        RUNTIME_NAMESPACE: "flux-system",
      },
      isReady: async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).ok,
    });
  };
  mkdirSync(path.join(directory, "source-controller", "data"), { recursive: true });
  for (const controller of CONTROLLERS) await start(controller);
  return { start, receiver: `http://127.0.0.1:${receiverPort}` };
}

/**
 * Applies the manifests of files or folders to the API and waits until definitions among them are served.
 * @throws Error with kubectl's message
 */
export function applyDefinitions(kubeconfig: string, paths: readonly string[]): void {
  kubectl(kubeconfig, [
    "apply",
    "--server-side",
    "--force-conflicts",
    ...paths.flatMap((file) => ["-f", file]),
  ]);
  kubectl(kubeconfig, ["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]);
}

/**
 * What kubectl prints.
 * @throws Error with kubectl's message
 */
export function kubectl(kubeconfig: string, parameters: readonly string[], input?: string): string {
  const result = spawnSync("kubectl", parameters, {
    encoding: "utf8",
    input,
    maxBuffer: 256 * 1024 * 1024,
    timeout: 120_000,
    env: { ...process.env, KUBECONFIG: kubeconfig },
  });
  if (result.status !== 0)
    throw new Error(`kubectl ${parameters.slice(0, 3).join(" ")}: ${result.stderr || result.error}`);
  return result.stdout;
}
