import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { ProviderError } from "../protocol/diagnostics";
import type { DigitalOceanCloud } from "../providers/digitalocean/cloud";
import { type GitHubCloud, idOf } from "../providers/github/cloud";
import { loopbackIdentity } from "./certificate";
import { answerKubernetes, type FindByToken } from "./kubernetes-api";
import { deletePolicy, digitalOceanList, gitHubPage, repositoryContent } from "./lists";
import { spacesKeys } from "./spaces-keys";

/** Scopes that the sandbox's GitHub token has. */
const SCOPES = "repo, workflow, admin:repo_hook";
const RATE_LIMIT = 5000;

/** The part of the clouds' HTTP APIs that code outside terraform uses. */
export interface HttpApi {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly address: string;
  close(): Promise<void>;
}

/** What the HTTP APIs answer from. */
export interface Clouds {
  readonly digitalOcean: DigitalOceanCloud;
  readonly gitHub: GitHubCloud;
  /** The cluster whose objects the sandbox keeps itself that a token was issued for. */
  readonly cluster: FindByToken;
  /** See `Clusters.kubeconfig`. */
  kubeconfig(id: string, server: KubernetesServer, lifetimeSeconds: number | null): string | undefined;
}

/** Where the Kubernetes APIs of the clusters are served. */
interface KubernetesServer {
  readonly address: string;
  readonly certificate: string;
}

type Headers = Record<string, string>;

function answer(response: ServerResponse, status: number, body: unknown, headers: Headers = {}): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}

const authorized = ({ headers }: IncomingMessage): boolean =>
  /^(bearer|token) \S+$/i.test(headers.authorization ?? "");

const SPACES_KEYS_PATH = /^v2\/spaces\/keys(?:\/([A-Za-z0-9]+))?$/;
const KUBECONFIG_PATH = /^v2\/kubernetes\/clusters\/([^/]+)\/kubeconfig$/;

async function digitalOcean(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  clouds: Clouds,
  kubernetesServer: () => Promise<KubernetesServer>,
): Promise<void> {
  if (!authorized(request)) {
    answer(response, 401, { id: "Unauthorized", message: "Unable to authenticate you" });
    return;
  }
  if (path === "v2/account") {
    const { uuid, email, droplet_limit, status, refused } = clouds.digitalOcean.account();
    if (refused === 403) {
      answer(response, 403, { id: "Forbidden", message: "You are not authorized to perform this operation" });
      return;
    }
    const account = {
      uuid,
      email,
      droplet_limit,
      status,
      email_verified: true,
      floating_ip_limit: 3,
      status_message: "",
    };
    answer(response, 200, { account }, { "ratelimit-limit": String(RATE_LIMIT) });
    return;
  }
  const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
  const list = digitalOceanList(url, clouds.digitalOcean);
  if (list !== undefined) {
    answer(response, 200, list);
    return;
  }
  const keyPath = SPACES_KEYS_PATH.exec(path);
  if (keyPath) {
    const { status, body } = await spacesKeys(clouds.digitalOcean, request, keyPath[1]);
    if (body === undefined) response.writeHead(status).end();
    else answer(response, status, body);
    return;
  }
  const [, clusterId] = KUBECONFIG_PATH.exec(path) ?? [];
  const kubeconfig =
    clusterId === undefined
      ? undefined
      : clouds.kubeconfig(clusterId, await kubernetesServer(), lifetimeOf(request));
  if (kubeconfig !== undefined) {
    response.writeHead(200, { "content-type": "application/yaml" });
    response.end(kubeconfig);
    return;
  }
  answer(response, 404, { id: "not_found", message: "The resource you were accessing could not be found." });
}

/** `?expiry_seconds=`: how long the credentials in a kubeconfig are good for. */
function lifetimeOf({ url }: IncomingMessage): number | null {
  return Number(new URL(url ?? "/", "http://127.0.0.1").searchParams.get("expiry_seconds")) || null;
}

function gitHub(path: string, request: IncomingMessage, response: ServerResponse, cloud: GitHubCloud): void {
  const headers = { "x-oauth-scopes": SCOPES, "x-ratelimit-limit": String(RATE_LIMIT) };
  if (!authorized(request)) {
    answer(response, 401, { message: "Bad credentials", status: "401" });
    return;
  }
  if (path === "user") {
    const login = cloud.user();
    answer(response, 200, { login, id: 1, type: "User", plan: { name: cloud.account(login).plan } }, headers);
    return;
  }
  const [, organisation = "", slug = "", access] =
    /^orgs\/([^/]+)\/teams\/([^/]+)(?:\/repos\/([^/]+\/[^/]+))?$/.exec(path) ?? [];
  if (slug !== "") {
    const name = `${organisation}/${slug}`;
    if (!cloud.hasTeam(organisation, slug) || (access && !cloud.mayRead(access, name)))
      answer(response, 404, { message: "Not Found", status: "404" }, headers);
    else if (access) response.writeHead(204, headers).end();
    else answer(response, 200, { id: idOf(name), slug, name: slug }, headers);
    return;
  }
  const [, kind, login = ""] = /^(users|orgs)\/([^/]+)$/.exec(path) ?? [];
  if (kind !== undefined) {
    const { type, plan } = cloud.account(login);
    if (!cloud.hasAccount(login)) answer(response, 404, { message: "Not Found", status: "404" }, headers);
    else if (kind === "users")
      answer(response, 200, { login, id: idOf(login), type: cloud.typeOf(login) }, headers);
    else if (type !== "Organization") answer(response, 404, { message: "Not Found", status: "404" }, headers);
    else answer(response, 200, { login, id: idOf(login), type, plan: { name: plan } }, headers);
    return;
  }
  const [, owner, name, rest] = /^repos\/([^/]+)\/([^/]+)(?:\/(.+))?$/.exec(path) ?? [];
  if (owner === undefined || name === undefined) {
    answer(response, 404, { message: "Not Found", status: "404" }, headers);
    return;
  }
  cloud.known(owner, name);
  const [, person] = /^collaborators\/([^/]+)$/.exec(rest ?? "") ?? [];
  if (person !== undefined) {
    if (cloud.mayRead(`${owner}/${name}`, person)) response.writeHead(204, headers).end();
    else answer(response, 404, { message: "Not Found", status: "404" }, headers);
    return;
  }
  if (request.method === "DELETE") {
    const deleted = rest === undefined ? undefined : deletePolicy(rest, owner, name, cloud);
    if (deleted) response.writeHead(204, headers).end();
    else answer(response, 404, { message: "Not Found", status: "404" }, headers);
    return;
  }
  const missing = rest?.startsWith("environments") && !cloud.offer(owner, name).environments;
  const list = rest === undefined || missing ? undefined : repositoryContent(rest, owner, name, cloud);
  if (list !== undefined) {
    const { body, next } = gitHubPage(list, new URL(request.url ?? "/", `http://${request.headers.host}`));
    answer(response, 200, body, next === undefined ? headers : { ...headers, link: `<${next}>; rel="next"` });
    return;
  }
  if (rest !== undefined) {
    const [, environment] = /^environments\/([^/]+)\/secrets\/public-key$/.exec(rest) ?? [];
    const pair =
      environment === undefined
        ? rest === "actions/secrets/public-key" && cloud.repository(owner, name)
        : cloud.environmentKey(owner, name, decodeURIComponent(environment));
    if (pair) answer(response, 200, { key_id: pair.key_id, key: pair.public_key }, headers);
    else answer(response, 404, { message: "Not Found", status: "404" }, headers);
    return;
  }
  const repository = cloud.repository(owner, name);
  answer(
    response,
    200,
    {
      id: repository.id,
      node_id: repository.node_id,
      name,
      full_name: `${owner}/${name}`,
      private: repository.private,
      visibility: repository.private ? "private" : "public",
      default_branch: repository.default_branch,
      owner: { login: owner, id: idOf(owner), type: cloud.account(owner).type },
      permissions: { admin: true, push: true, pull: true },
    },
    headers,
  );
}

function failed(response: ServerResponse, error: unknown): void {
  const status = error instanceof ProviderError && error.message.includes(": 404 ") ? 404 : 500;
  answer(response, status, { message: (error as Error).message });
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** Serves the Kubernetes APIs of the clusters, told apart by the token. With TLS: clients send a token over nothing else. */
async function serveKubernetes({ cluster }: Clouds): Promise<{ server: Server; at: KubernetesServer }> {
  const { key, certificate } = await loopbackIdentity();
  const server = createSecureServer({ key, cert: certificate }, (request, response) => {
    answerKubernetes(cluster, request, response).catch((error: unknown) => failed(response, error));
  });
  return { server, at: { address: `https://127.0.0.1:${await listen(server)}`, certificate } };
}

/**
 * Serves the HTTP APIs on free ports of the loopback interface: `/digitalocean/…` and `/github/…`, and the Kubernetes APIs of the
 * clusters from the moment in which somebody asks for a kubeconfig.
 */
export async function serveHttpApi(clouds: Clouds): Promise<HttpApi> {
  let kubernetes: ReturnType<typeof serveKubernetes> | undefined;
  const kubernetesServer = async (): Promise<KubernetesServer> => {
    kubernetes ??= serveKubernetes(clouds);
    return (await kubernetes).at;
  };
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
    const [, cloud, ...rest] = pathname.split("/");
    const path = rest.join("/");
    const changes =
      (cloud === "digitalocean" && SPACES_KEYS_PATH.test(path)) ||
      (cloud === "github" && request.method === "DELETE" && path.includes("/deployment-branch-policies/"));
    if (request.method !== "GET" && !changes)
      answer(response, 405, { message: "The sandbox answers GET only" });
    else if (cloud === "digitalocean") await digitalOcean(path, request, response, clouds, kubernetesServer);
    // Terraform's provider and GitHub Enterprise Server have this below the host.
    else if (cloud === "github") gitHub(path.replace(/^api\/v3\//, ""), request, response, clouds.gitHub);
    else answer(response, 404, { message: "Not Found" });
  };
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => failed(response, error));
  });
  const port = await listen(server);
  return {
    address: `http://127.0.0.1:${port}`,
    close: async () => {
      const servers = kubernetes === undefined ? [server] : [server, (await kubernetes).server];
      for (const each of servers)
        await new Promise<void>((resolve) => {
          each.close(() => resolve());
          (each as HttpServer).closeAllConnections();
        });
    },
  };
}
