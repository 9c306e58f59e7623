import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { callApi, digitalOceanApi, digitalOceanToken } from "../api-client";
import { concealValues } from "../redaction";
import { type Variables, withTemporaryFolder } from "../terraform";

const NOT_FOUND = 404;
const TOO_MANY = 429;
const SERVER_ERROR = 500;

/** Thrown when DigitalOcean doesn't give the kubeconfig of a cluster. */
export class KubeconfigRefused extends Error {
  constructor(
    readonly clusterId: string,
    readonly status: number,
  ) {
    super(`DigitalOcean refused the kubeconfig of cluster ${clusterId}: ${status}. ${adviceFor(status)}`);
    this.name = "KubeconfigRefused";
  }

  /** The account of the token has no such cluster. */
  get gone(): boolean {
    return this.status === NOT_FOUND;
  }
}

function adviceFor(status: number): string {
  if (status === TOO_MANY) return "It takes 5,000 requests an hour: wait and try again.";
  return status >= SERVER_ERROR ? "That is at their side: try again later." : "Check DIGITALOCEAN_TOKEN.";
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
  refuseOther(text, access.clusterId);
  return withTemporaryFolder("kubeconfig", (folder) => {
    const file = join(folder, "kubeconfig");
    writeFileSync(file, text, { mode: 0o600 });
    return work(file);
  });
}

interface Kubeconfig {
  readonly "current-context"?: string;
  readonly contexts?: readonly { readonly name: string; readonly context?: Record<string, string> }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster?: { readonly server?: string } }[];
  readonly users?: readonly { readonly name: string; readonly user?: Record<string, unknown> }[];
}

/**
 * A kubeconfig that names no server makes kubectl look for one on this machine, which would be another cluster; one with a plugin
 * makes it run a program.
 * @throws Error for everything but an address over TLS with a token or a certificate
 */
function refuseOther(text: string, clusterId: string): void {
  let document: Kubeconfig | null = null;
  try {
    document = parse(text, { logLevel: "error" });
  } catch {
    // Whatever it is, it is no kubeconfig.
  }
  const context = document?.contexts?.find(({ name }) => name === document?.["current-context"])?.context;
  const server = document?.clusters?.find(({ name }) => name === context?.cluster)?.cluster?.server;
  const user = document?.users?.find(({ name }) => name === context?.user)?.user;
  concealValues(Object.values(user ?? {}).filter((value) => typeof value === "string"));
  const authenticates = user !== undefined && ("token" in user || "client-certificate-data" in user);
  if (server?.startsWith("https://") && authenticates && !("exec" in user) && !("auth-provider" in user))
    return;
  throw new Error(
    `DigitalOcean's answer for cluster ${clusterId} is no kubeconfig with an address and a token, so nothing was asked. Is something between this machine and DigitalOcean (a proxy, DIGITALOCEAN_API_URL)?`,
  );
}

async function fetchKubeconfig({ clusterId, variables, lifetimeSeconds }: ClusterAccess): Promise<string> {
  const token = digitalOceanToken(variables);
  if (token !== undefined && !/^[\x21-\x7e]*$/.test(token))
    throw new Error(
      "DIGITALOCEAN_TOKEN has spaces, line breaks or other characters that no token has: copy it again.",
    );
  if (!token)
    throw new Error(
      "DIGITALOCEAN_TOKEN is not set, so the cluster can't be looked into. Put it into .env or the environment.",
    );
  const query = lifetimeSeconds === undefined ? "" : `?expiry_seconds=${lifetimeSeconds}`;
  const { status, body } = await callApi({
    service: "DigitalOcean",
    url: `${digitalOceanApi(variables)}/v2/kubernetes/clusters/${encodeURIComponent(clusterId)}/kubeconfig${query}`,
    headers: { accept: "application/yaml" },
    token,
  });
  if (status !== 200) throw new KubeconfigRefused(clusterId, status);
  return body;
}
