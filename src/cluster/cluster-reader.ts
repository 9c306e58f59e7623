import { spawn } from "node:child_process";
import type { Variables } from "../terraform";
import { type ClusterAccess, withKubeconfig } from "./kubeconfig";
import type { KubernetesObject } from "./kubernetes-object";

/** Reads objects of one cluster. */
export interface ClusterReader {
  /**
   * The object at a path of the API, such as `/api/v1/namespaces/default`; undefined when it isn't there.
   * @throws ClusterUnreachable when the API can't be asked or refuses to answer
   */
  get<T extends KubernetesObject>(path: string): Promise<T | undefined>;
  /**
   * The objects of a list, such as `/apis/apps/v1/deployments`; undefined when the API doesn't have the kind.
   * @throws ClusterUnreachable when the API can't be asked or refuses to answer
   */
  list<T extends KubernetesObject>(path: string): Promise<readonly T[] | undefined>;
}

/** Thrown when a cluster's API can't be asked, or refuses to answer. */
export class ClusterUnreachable extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ClusterUnreachable";
  }
}

/** Thrown where this machine has no kubectl: that says nothing about the cluster. */
export class KubectlMissing extends Error {
  constructor() {
    super(
      "kubectl is not installed, or not on PATH, so the cluster can't be looked into. Install it: `mise install`, or kubernetes.io/docs/tasks/tools.",
    );
    this.name = "KubectlMissing";
  }
}

const REQUEST_TIMEOUT_SECONDS = 10;
/** For a kubectl that doesn't keep to its own timeout. */
const KILL_AFTER_MS = (REQUEST_TIMEOUT_SECONDS + 5) * 1000;
const LIFETIME_SECONDS = 600;
/** What kubectl prints for the API's status 404, for an object and for a kind. */
const NOT_FOUND = /\(NotFound\)/;

/**
 * Runs something with a reader of a cluster, whose credentials are made for it and good for ten minutes.
 * @throws KubeconfigRefused, ClusterUnreachable, or an Error that says what is missing on this machine
 */
export async function withCluster<T>(
  access: Omit<ClusterAccess, "lifetimeSeconds">,
  work: (reader: ClusterReader) => Promise<T>,
): Promise<T> {
  return withKubeconfig({ ...access, lifetimeSeconds: LIFETIME_SECONDS }, (kubeconfig) =>
    work(kubectlReader(kubeconfig, access.variables)),
  );
}

/** A reader that asks through kubectl, which knows every way in which a kubeconfig can authenticate. */
export function kubectlReader(kubeconfig: string, variables: Variables): ClusterReader {
  const read = async (path: string): Promise<unknown> => {
    const { code, stdout, stderr } = await kubectl(
      ["--kubeconfig", kubeconfig, `--request-timeout=${REQUEST_TIMEOUT_SECONDS}s`, "get", "--raw", path],
      variables,
    );
    if (code === 0) return parsed(stdout, path);
    if (NOT_FOUND.test(stderr)) return undefined;
    throw new ClusterUnreachable(explain(stderr, path));
  };
  return {
    get: async <T extends KubernetesObject>(path: string) => (await read(path)) as T | undefined,
    list: async <T extends KubernetesObject>(path: string) => {
      const list = (await read(path)) as { readonly items?: readonly T[] | null } | undefined;
      return list && (list.items ?? []);
    },
  };
}

function kubectl(
  parameters: readonly string[],
  variables: Variables,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  // A group of its own: what a wrapper around kubectl has started goes with it.
  const child = spawn("kubectl", parameters, {
    env: variables as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let deadline: NodeJS.Timeout | undefined;
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    deadline = setTimeout(() => {
      killGroup(child.pid);
      reject(new ClusterUnreachable(`kubectl did not end within ${KILL_AFTER_MS / 1000} s`));
    }, KILL_AFTER_MS);
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "ENOENT" ? new KubectlMissing() : new Error(`kubectl can't be run: ${error.message}`),
      ),
    );
    child.once("close", (code) =>
      resolve({
        code,
        stdout: Buffer.concat(stdout).toString("utf8"),
        stderr: Buffer.concat(stderr).toString("utf8"),
      }),
    );
  }).finally(() => clearTimeout(deadline));
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended at this moment.
  }
}

function parsed(text: string, path: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new ClusterUnreachable(
    `the cluster's API, or the kubectl on this machine, doesn't answer with an object (GET ${path}): ${JSON.stringify(text.slice(0, 60))}`,
  );
}

/** The last line that kubectl printed, without its own log lines. */
function explain(stderr: string, path: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "" && !/^[EWI]\d{4} /.test(line));
  // An old kubectl ends with where its help is; what is wrong stands before that.
  const telling = lines.filter((line) => !/^See '/.test(line));
  const reason = (telling.at(-1) ?? "kubectl failed without a word")
    .replace(/^error: /i, "")
    .replace(/ - did you specify the right host or port\?$/, "");
  return `the cluster's API doesn't answer (GET ${path}): ${reason}`;
}
