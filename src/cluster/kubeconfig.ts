import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Variables } from "../terraform";

const TIMEOUT_MS = 30_000;
const NOT_FOUND = 404;

/** Thrown when DigitalOcean doesn't give the kubeconfig of a cluster. */
export class KubeconfigRefused extends Error {
  constructor(
    readonly clusterId: string,
    readonly status: number,
  ) {
    super(
      `DigitalOcean refused the kubeconfig of cluster ${clusterId}: ${status}. Check DIGITALOCEAN_TOKEN.`,
    );
    this.name = "KubeconfigRefused";
  }

  /** The account of the token has no such cluster. */
  get gone(): boolean {
    return this.status === NOT_FOUND;
  }
}

export interface ClusterAccess {
  readonly clusterId: string;
  /** Credentials of the DigitalOcean API. */
  readonly variables: Variables;
  /** How long the credentials in the kubeconfig are good for; DigitalOcean's default: seven days. */
  readonly lifetimeSeconds?: number;
}

/**
 * Runs something with a kubeconfig that is made for it: a file of its owner's alone in a folder of its own, which is gone
 * afterwards, also when the process ends meanwhile.
 * @param work gets the path of the file
 * @throws KubeconfigRefused, or an Error when DigitalOcean can't be asked
 */
export async function withKubeconfig<T>(
  access: ClusterAccess,
  work: (file: string) => Promise<T> | T,
): Promise<T> {
  const text = await fetchKubeconfig(access);
  const folder = mkdtempSync(join(tmpdir(), "hybrid-gitops-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.on("exit", remove);
  try {
    const file = join(folder, "kubeconfig");
    writeFileSync(file, text, { mode: 0o600 });
    return await work(file);
  } finally {
    remove();
    process.off("exit", remove);
  }
}

async function fetchKubeconfig({ clusterId, variables, lifetimeSeconds }: ClusterAccess): Promise<string> {
  const base = (variables.DIGITALOCEAN_API_URL || "https://api.digitalocean.com").replace(/\/*$/, "");
  const token = variables.DIGITALOCEAN_TOKEN || variables.DIGITALOCEAN_ACCESS_TOKEN;
  if (!token)
    throw new Error(
      "DIGITALOCEAN_TOKEN is not set, so the cluster can't be looked into. Put it into .env or the environment.",
    );
  const query = lifetimeSeconds === undefined ? "" : `?expiry_seconds=${lifetimeSeconds}`;
  const response = await fetch(`${base}/v2/kubernetes/clusters/${clusterId}/kubeconfig${query}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: Error) => {
    throw new Error(`DigitalOcean's API (${base}) can't be reached: ${reasonOf(error)}`);
  });
  if (!response.ok) throw new KubeconfigRefused(clusterId, response.status);
  return response.text();
}

/** fetch() says only "fetch failed"; what failed is in its cause. */
function reasonOf(error: Error): string {
  const { cause } = error;
  return cause instanceof Error
    ? cause.message || String((cause as NodeJS.ErrnoException).code)
    : error.message;
}
