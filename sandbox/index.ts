import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { serveHttpApi } from "./api/http-api";
import { Faults } from "./clouds/faults";
import { ProviderService } from "./protocol/service";
import { digitalOcean } from "./providers/digitalocean";
import { DigitalOceanCloud } from "./providers/digitalocean/cloud";
import { gitHub } from "./providers/github";
import { GitHubCloud } from "./providers/github/cloud";
import { kubernetes } from "./providers/kubernetes";
import { Clusters } from "./providers/kubernetes/clusters";
import { RealApis } from "./providers/kubernetes/real-apis";
import { nullProvider } from "./providers/null";
import type { ProviderDefinition } from "./providers/provider";
import { startStandIn } from "./stand-in-process";

export interface SandboxOptions {
  /** The folder of the clouds' files, such as `.sandbox/clouds`; created when missing. */
  readonly directory: string;
  /**
   * What a `crash` fault does, after the cloud has changed and before terraform gets its answer. Left out: the provider
   * breaks all its connections, as when its process dies, and takes new ones.
   */
  readonly onCrash?: (provider: string) => void;
  /**
   * A JSON file of clusters whose objects are kept in a real Kubernetes API:
   * `{ "<cluster name>": { "server", "token", "ca" } }`. Default: the environment variable SANDBOX_KUBERNETES_API;
   * without either, all objects are kept in files.
   */
  readonly kubernetesApis?: string;
  /** Takes what the sandbox has to say; left out, it says nothing. */
  readonly log?: (message: string) => void;
}

export interface Sandbox {
  /** What terraform and code that talks to the clouds need in their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends the servers. Safe to call twice; the clouds' files stay. */
  close(): Promise<void>;
}

/** One provider's gRPC server. */
class ProviderServer {
  private server: grpc.Server | undefined;
  private port = 0;

  constructor(private readonly service: ProviderService) {}

  async listen(): Promise<number> {
    const server = new grpc.Server({
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
    this.service.addTo(server);
    this.server = server;
    this.port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(this.address(), grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    return this.port;
  }

  private address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Breaks every connection, and takes new ones. */
  breakConnections(): void {
    this.server?.drain(this.address(), 0);
  }

  close(): void {
    this.server?.forceShutdown();
    this.server = undefined;
  }
}

/** The four stand-ins on the clouds' files of one folder. */
function providersOn(digitalOceanCloud: DigitalOceanCloud, gitHubCloud: GitHubCloud, clusters: Clusters) {
  return [
    digitalOcean(digitalOceanCloud, {
      created: (clusterId) => clusters.objectsOf(clusterId).initialize(),
      deleted: (clusterId) => clusters.deleted(clusterId),
    }),
    kubernetes((clusterId) => clusters.find(clusterId)),
    gitHub(gitHubCloud),
    nullProvider(),
  ];
}

function reattachment(provider: ProviderDefinition, port: number, pid: number) {
  return [
    provider.address,
    {
      Protocol: "grpc",
      ProtocolVersion: 6,
      Pid: pid,
      Test: true,
      Addr: { Network: "tcp", String: `127.0.0.1:${port}` },
    },
  ] as const;
}

/**
 * Starts stand-ins of the digitalocean, kubernetes, github and null providers for the real terraform, on free ports of
 * the loopback interface. Terraform runs against them with {@link Sandbox.env} in its environment.
 *
 * @throws when the folder can't be created or no port is free.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // Nothing goes to stderr: what grpc-js has to say belongs to the log.
  grpc.setLogger({ error: (...parts) => options.log?.(parts.join(" ")) });
  const clouds = { digitalOcean: new DigitalOceanCloud(directory), gitHub: new GitHubCloud(directory) };
  const realApis = new RealApis(options.kubernetesApis ?? process.env.SANDBOX_KUBERNETES_API);
  const clusters = new Clusters(directory, clouds.digitalOcean, realApis);
  const faults = new Faults(directory);
  const servers = new Map<string, ProviderServer>();
  const crash = ({ name }: ProviderDefinition) => {
    options.log?.(`crash of ${name}, as asked for`);
    if (options.onCrash) options.onCrash(name);
    else servers.get(name)?.breakConnections();
  };
  // Before anything listens: what can't be started must not leave a process that waits for requests.
  const standIn = startStandIn();
  const http = await serveHttpApi({
    ...clouds,
    cluster: (token) => clusters.ofToken(token)?.api,
    kubeconfig: (...parameters) => clusters.kubeconfig(...parameters),
  });
  const close = async () => {
    standIn.end();
    await http.close();
    for (const server of servers.values()) server.close();
  };
  const reattachments = await Promise.all(
    providersOn(clouds.digitalOcean, clouds.gitHub, clusters).map(async (provider) => {
      const server = new ProviderServer(new ProviderService(provider, { faults, crash }));
      servers.set(provider.name, server);
      return reattachment(provider, await server.listen(), standIn.pid);
    }),
  ).catch(async (error: unknown) => {
    // No half of a sandbox stays behind.
    await close();
    throw error;
  });
  let closed: Promise<void> | undefined;
  return {
    env: {
      TF_REATTACH_PROVIDERS: JSON.stringify(Object.fromEntries(reattachments)),
      DIGITALOCEAN_API_URL: `${http.address}/digitalocean`,
      GITHUB_BASE_URL: `${http.address}/github/`,
      DIGITALOCEAN_TOKEN: "sandbox-digitalocean-token",
      GITHUB_TOKEN: "sandbox-github-token",
      CDKTF_SKIP_PROVIDER_LOCK: "true",
      CHECKPOINT_DISABLE: "1",
    },
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}
