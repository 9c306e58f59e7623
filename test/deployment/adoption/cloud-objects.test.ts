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
let refuse: number | undefined;

beforeAll(async () => {
  server = createServer((request, response) => {
    // GitHub Enterprise Server has its API below /api/v3.
    const url = (request.url ?? "").replace(/^\/api\/v3/, "");
    asked.push(`${url} ${request.headers.authorization}`);
    const page = pages[url];
    const link = (page as { link?: string } | undefined)?.link;
    response.writeHead(refuse ?? (page === undefined ? 404 : 200), link ? { link } : {});
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
  refuse = undefined;
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
  ["kubernetes_namespace_v1", { metadata: [{ name: "flux-system" }] }, "flux-system"],
  ["kubernetes_config_map_v1", { metadata: [{ name: "a", namespace: "b" }] }, "b/a"],
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
  expect(await findWhole(type, { name: "a" })).toEqual({
    id: "1",
    createdAt,
    clockAheadMs: expect.any(Number),
  });
});

test("a domain is looked for in the account: a provider's word for it is not enough", async () => {
  pages = { "/v2/domains?per_page=200": { domains: [{ name: "other.example" }] } };
  expect(await find("digitalocean_domain", { name: "acme.example" })).toBeUndefined();
  pages = { "/v2/domains?per_page=200": { domains: [{ name: "acme.example" }] } };
  expect(await find("digitalocean_domain", { name: "acme.example" })).toBe("acme.example");
});

test.each([
  ["running", "1"],
  ["degraded", "1"],
  ["provisioning", /still being made/],
  ["error", /^the cluster 1 has the status error: no capacity\. Delete it/],
  ["deleting", /^the cluster 1 has the status deleting: no capacity\./],
])("a cluster with the status %s: %s", async (state, expected) => {
  const status = { state, message: "no capacity" };
  pages = {
    "/v2/kubernetes/clusters?per_page=200": { kubernetes_clusters: [{ id: "1", name: "a", status }] },
  };
  const found = find("digitalocean_kubernetes_cluster", { name: "a" });
  if (typeof expected === "string") expect(await found).toBe(expected);
  else await expect(found).rejects.toThrow(expected);
});

test("a pool is as old as its first node", async () => {
  const nodes = ["2026-01-02T00:00:09Z", "2026-01-02T00:00:05Z"].map((created_at) => ({
    status: { state: "running" },
    created_at,
  }));
  pages = {
    "/v2/kubernetes/clusters/c-1/node_pools?per_page=200": { node_pools: [{ id: "p", name: "a", nodes }] },
  };
  const found = await findWhole("digitalocean_kubernetes_node_pool", { name: "a" }, "c-1");
  expect(found?.createdAt).toBe("2026-01-02T00:00:05Z");
});

test("a deployment policy can't be imported whole: it is found with the way to delete it", async () => {
  const path = "/repos/acme/web/environments/staging/deployment-branch-policies";
  pages = { [`${path}?per_page=100`]: { branch_policies: [{ id: 5, name: "main" }] } };
  const wanted = { repository: "web", environment: "staging", branch_pattern: "main" };
  const found = await findWhole("github_repository_environment_deployment_policy", wanted);
  await found?.remove?.();
  expect([found?.id, asked.at(-1)]).toEqual(["web:staging:5", `${path}/5 Bearer gh`]);
});

test.each([
  [401, /does not know the token/],
  [403, /may not do this/],
  [404, /check what its token may do/],
])("an answer %s says what is wrong with the token", async (status, message) => {
  refuse = status;
  await expect(find("digitalocean_vpc", { name: "a" })).rejects.toThrow(message);
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
