import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ProviderError } from "../protocol/diagnostics";
import type { DigitalOceanCloud } from "../providers/digitalocean/cloud";
import { type GitHubCloud, USER } from "../providers/github/cloud";

/** Scopes that the sandbox's GitHub token has. */
const SCOPES = "repo, workflow, admin:repo_hook";
const RATE_LIMIT = 5000;

/** The part of the clouds' HTTP APIs that code outside terraform uses. */
export interface HttpApi {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly address: string;
  close(): Promise<void>;
}

type Headers = Record<string, string>;

function answer(response: ServerResponse, status: number, body: unknown, headers: Headers = {}): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}

const authorized = ({ headers }: IncomingMessage): boolean =>
  /^(bearer|token) \S+$/i.test(headers.authorization ?? "");

function digitalOcean(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  cloud: DigitalOceanCloud,
): void {
  if (!authorized(request)) {
    answer(response, 401, { id: "Unauthorized", message: "Unable to authenticate you" });
    return;
  }
  if (path === "v2/account") {
    const { uuid, email, droplet_limit, status } = cloud.account();
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
  answer(response, 404, { id: "not_found", message: "The resource you were accessing could not be found." });
}

function gitHub(path: string, request: IncomingMessage, response: ServerResponse, cloud: GitHubCloud): void {
  const headers = { "x-oauth-scopes": SCOPES, "x-ratelimit-limit": String(RATE_LIMIT) };
  if (!authorized(request)) {
    answer(response, 401, { message: "Bad credentials", status: "401" });
    return;
  }
  if (path === "user") {
    answer(response, 200, { login: USER, id: 1, type: "User" }, headers);
    return;
  }
  const [, owner, name, rest] = /^repos\/([^/]+)\/([^/]+)(\/actions\/secrets\/public-key)?$/.exec(path) ?? [];
  if (owner === undefined || name === undefined) {
    answer(response, 404, { message: "Not Found", status: "404" }, headers);
    return;
  }
  const repository = cloud.repository(owner, name);
  if (rest !== undefined) {
    answer(response, 200, { key_id: repository.key_id, key: repository.public_key }, headers);
    return;
  }
  answer(
    response,
    200,
    {
      id: repository.id,
      node_id: repository.node_id,
      name,
      full_name: `${owner}/${name}`,
      private: repository.private,
      default_branch: repository.default_branch,
      owner: { login: owner },
      permissions: { admin: true, push: true, pull: true },
    },
    headers,
  );
}

/** Serves the HTTP APIs on a free port of the loopback interface: `/digitalocean/…` and `/github/…`. */
export async function serveHttpApi(clouds: {
  digitalOcean: DigitalOceanCloud;
  gitHub: GitHubCloud;
}): Promise<HttpApi> {
  const server: Server = createServer((request, response) => {
    try {
      const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
      const [, cloud, ...rest] = pathname.split("/");
      const path = rest.join("/");
      if (request.method !== "GET") answer(response, 405, { message: "The sandbox answers GET only" });
      else if (cloud === "digitalocean") digitalOcean(path, request, response, clouds.digitalOcean);
      else if (cloud === "github") gitHub(path, request, response, clouds.gitHub);
      else answer(response, 404, { message: "Not Found" });
    } catch (error) {
      const status = error instanceof ProviderError && error.message.includes(": 404 ") ? 404 : 500;
      answer(response, status, { message: (error as Error).message });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
