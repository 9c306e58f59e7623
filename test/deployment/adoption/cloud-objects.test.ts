import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { findObject, isAdoptable, StillBeingMade } from "../../../src/deployment/adoption/cloud-objects";

jest.mock("../../../src/api-client/retry-policy", () =>
  require("../../support/quick-retries").quickRetries(),
);

let server: Server;
let base: string;
let pages: Record<string, unknown>;
let asked: string[];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    const page = pages[request.url as string];
    const link = (page as { link?: string } | undefined)?.link;
    response.writeHead(page === undefined ? 404 : 200, link ? { link } : {});
    response.end(JSON.stringify(page === undefined ? {} : ((page as { list?: unknown }).list ?? page)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  pages = {};
});

const find = async (type: string, wanted: object, clusterId?: string) =>
  (await findWhole(type, wanted, clusterId))?.id;

const findWhole = (type: string, wanted: object, clusterId?: string) =>
  findObject(type, wanted as never, {
    variables: {
      DIGITALOCEAN_API_URL: base,
      GITHUB_BASE_URL: base,
      DIGITALOCEAN_TOKEN: "do",
      GITHUB_TOKEN: "gh",
    },
    owner: "acme",
    state: {
      resources: clusterId
        ? [
            {
              mode: "managed",
              type: "digitalocean_kubernetes_cluster",
              name: "cluster",
              instances: [{ attributes: { id: clusterId } }],
            },
          ]
        : [],
    },
  });

test("a list is read to its end, with the token of its cloud", async () => {
  pages = {
    "/v2/vpcs?per_page=200": {
      vpcs: [{ id: "1", name: "a" }],
      links: { pages: { next: `${base}/v2/vpcs?page=2` } },
    },
    "/v2/vpcs?page=2": { vpcs: [{ id: "2", name: "b" }], links: {} },
    "/repos/acme/web/hooks?per_page=100": { list: [], link: `<${base}/hooks2>; rel="next"` },
    "/hooks2": [{ id: 7, config: { url: "https://x" } }],
  };
  expect(await find("digitalocean_vpc", { name: "b" })).toBe("2");
  const webhook = { repository: "web", configuration: [{ url: "https://x" }] };
  expect(await find("github_repository_webhook", webhook)).toBe("web/7");
  expect(asked.map((line) => line.split(" ").slice(1).join(" "))).toEqual([
    "Bearer do",
    "Bearer do",
    "Bearer gh",
    "Bearer gh",
  ]);
});

test("a next page at another host is not asked for: the token is not for it", async () => {
  pages = {
    "/v2/vpcs?per_page=200": { vpcs: [], links: { pages: { next: "http://127.0.0.1:1/steal" } } },
  };
  expect(await find("digitalocean_vpc", { name: "b" })).toBeUndefined();
});

test("of two with the same name none is taken", async () => {
  pages = {
    "/v2/vpcs?per_page=200": {
      vpcs: [
        { id: "1", name: "a" },
        { id: "2", name: "a" },
      ],
    },
  };
  expect(await find("digitalocean_vpc", { name: "a" })).toBeUndefined();
});

test("a pool is looked for in the cluster of the state, and waits until its nodes run", async () => {
  const pool = (state: string) => ({
    node_pools: [
      { id: "p", name: "workload", nodes: [{ status: { state: "running" } }, { status: { state } }] },
    ],
  });
  pages = { "/v2/kubernetes/clusters/c-1/node_pools?per_page=200": pool("provisioning") };
  const wanted = { name: "workload" };
  await expect(find("digitalocean_kubernetes_node_pool", wanted, "c-1")).rejects.toThrow(StillBeingMade);
  pages = { "/v2/kubernetes/clusters/c-1/node_pools?per_page=200": pool("running") };
  expect(await find("digitalocean_kubernetes_node_pool", wanted, "c-1")).toBe("p");
  expect(await find("digitalocean_kubernetes_node_pool", wanted)).toBeUndefined();
});

test.each([
  ["digitalocean_domain", { name: "acme.example" }, "acme.example"],
  ["kubernetes_namespace_v1", { metadata: [{ name: "flux-system" }] }, "flux-system"],
  ["kubernetes_config_map_v1", { metadata: [{ name: "a", namespace: "b" }] }, "b/a"],
  [
    "github_actions_environment_variable",
    { repository: "web", environment: "staging", variable_name: "A" },
    "web:staging:A",
  ],
])("%s has an id that follows from its arguments", async (type, wanted, id) => {
  expect(await find(type, wanted)).toBe(id);
  expect(asked).toEqual([]);
});

test.each([
  ["digitalocean_vpc", "vpcs", "vpcs"],
  ["digitalocean_project", "projects", "projects"],
  ["digitalocean_kubernetes_cluster", "kubernetes/clusters", "kubernetes_clusters"],
])("%s is found with the time when it was made", async (type, path, list) => {
  const createdAt = "2026-01-02T03:04:05Z";
  pages = { [`/v2/${path}?per_page=200`]: { [list]: [{ id: "1", name: "a", created_at: createdAt }] } };
  expect(await findWhole(type, { name: "a" })).toEqual({ id: "1", createdAt });
});

test("a deploy key is found by the key, whatever its comment", async () => {
  pages = { "/repos/acme/web/keys?per_page=100": [{ id: 3, key: "ssh-ed25519 AAAA other" }] };
  const wanted = { repository: "web", key: "ssh-ed25519 AAAA flux\n" };
  expect(await find("github_repository_deploy_key", wanted)).toBe("web:3");
});

test("a refusal of the API is told", async () => {
  await expect(find("digitalocean_project", { name: "a" })).rejects.toThrow(/^DigitalOcean answers 404 to /);
});

test("a secret is not imported, since its content would come into the state", () => {
  expect(isAdoptable("kubernetes_secret_v1")).toBe(false);
});
