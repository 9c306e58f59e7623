import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Manifest } from "../../sandbox/providers/kubernetes/api";
import { FileApi } from "../../sandbox/providers/kubernetes/file-api";
import { KINDS, kindOf } from "../../sandbox/providers/kubernetes/kinds";
import { CLUSTER, errorsOf, KUBERNETES, Playground, type Workspace } from "./terraform";

const TOKEN = "a-token";
const PATH = /^\/apis?(?:\/[^/]+)?\/v1(?:\/namespaces\/([^/]+)(?=\/[a-z]+))?\/([a-z]+)(?:\/([^/]+))?$/;

/** What requests came, as `METHOD path`. */
const seen: string[] = [];
let folder: string;
let server: Server;
let objects: FileApi;
let playground: Playground;
let workspace: Workspace;

const STATUS: ReadonlyArray<readonly [RegExp, number]> = [
  [/not found$/, 404],
  [/already exists$/, 409],
  [/^Field manager conflict$/, 409],
  [/is invalid/, 422],
];

/** An API server's paths, verbs and Status answers on loopback; the objects behind them are those of a file. */
async function answer(
  method: string,
  url: URL,
  body: string,
  authorized: boolean,
): Promise<[number, unknown]> {
  if (!authorized) return [401, { kind: "Status", message: "Unauthorized" }];
  if (url.pathname === "/version") return [200, { gitVersion: "v1.34.2", major: "1", minor: "34" }];
  const [, namespace, plural, name] = PATH.exec(url.pathname) ?? [];
  const kind = KINDS.find((candidate) => candidate.plural === plural);
  if (!kind) return [404, { kind: "Status", message: "the server could not find the requested resource" }];
  const place = { kind, name: name ?? "", ...(namespace ? { namespace } : {}) };
  const manifest = (body ? JSON.parse(body) : {}) as Manifest;
  const { searchParams } = url;
  try {
    if (method === "POST") return [201, await objects.create(kind, manifest)];
    if (method === "PUT") return [200, await objects.replace(kind, manifest)];
    if (method === "PATCH") {
      const force = searchParams.get("force") === "true";
      return [200, await objects.apply(kind, manifest, searchParams.get("fieldManager") ?? "", force)];
    }
    const found = await objects.get(place);
    if (!found) return [404, { kind: "Status", message: `${plural} "${name}" not found` }];
    if (method === "DELETE") await objects.remove(place);
    return [200, found];
  } catch (error) {
    const { message, detail } = error as { message: string; detail?: string };
    const status = STATUS.find(([pattern]) => pattern.test(message))?.[1] ?? 500;
    return [status, { kind: "Status", message: detail?.split("override: ")[1] ?? message }];
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "real-api-test-"));
  objects = new FileApi(folder, "real", { nodes: () => [], version: () => "1.34.2" });
  objects.initialize();
  seen.length = 0;
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    seen.push(`${request.method} ${request.url}`);
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", async () => {
      const authorized = request.headers.authorization === `Bearer ${TOKEN}`;
      const [status, content] = await answer(request.method ?? "", url, body, authorized);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(content));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = { server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: TOKEN };
  writeFileSync(join(folder, "apis.json"), JSON.stringify({ staging: address }));
  playground = await Playground.start({ kubernetesApis: join(folder, "apis.json") });
  workspace = await playground.workspace("main", CLUSTER + KUBERNETES);
  await workspace.mustApply();
});
afterEach(async () => {
  await playground.stop();
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  rmSync(folder, { recursive: true, force: true });
});

const write = (configuration: string) => workspace.write(CLUSTER + KUBERNETES + configuration);
const OBJECTS = (value: string) => `
  resource "kubernetes_namespace_v1" "it" {
    metadata {
      name = "flux-system"
    }
    lifecycle {
      ignore_changes = [metadata[0].labels]
    }
  }
  resource "kubernetes_config_map_v1" "it" {
    metadata {
      name      = "infrastructure-config"
      namespace = kubernetes_namespace_v1.it.metadata[0].name
    }
    data = { "values.yaml" = "${value}" }
  }
  resource "kubernetes_secret_v1" "it" {
    metadata {
      name      = "sops-age"
      namespace = kubernetes_namespace_v1.it.metadata[0].name
    }
    data = { key = "${value}" }
  }
  resource "kubernetes_labels" "it" {
    api_version = "v1"
    kind        = "Namespace"
    metadata {
      name = kubernetes_namespace_v1.it.metadata[0].name
    }
    labels = { team = "platform" }
  }
`;

test("objects of a cluster with a real API are there and not in the files", async () => {
  write(OBJECTS("1"));
  await workspace.mustApply();
  const place = { kind: kindOf("ConfigMap"), namespace: "flux-system", name: "infrastructure-config" };
  expect((await objects.get(place))?.data).toStrictEqual({ "values.yaml": "1" });
  expect((await workspace.plan()).code).toBe(0);
  write(OBJECTS("2"));
  await workspace.mustApply();
  expect((await objects.get(place))?.data).toStrictEqual({ "values.yaml": "2" });
  await workspace.destroy("-target=kubernetes_namespace_v1.it");
  expect(await objects.get(place)).toBeUndefined();
  const id = workspace.state()["digitalocean_kubernetes_cluster.it"]?.id;
  expect(playground.read(`kubernetes/${id}.json`).objects.ConfigMap).toBeUndefined();
  expect(new Set(seen.filter((request) => !request.startsWith("GET")))).toStrictEqual(
    new Set([
      "POST /api/v1/namespaces?fieldManager=HashiCorp",
      "POST /api/v1/namespaces/flux-system/configmaps?fieldManager=HashiCorp",
      "POST /api/v1/namespaces/flux-system/secrets?fieldManager=HashiCorp",
      "PATCH /api/v1/namespaces/flux-system?fieldManager=Terraform&force=false",
      "PUT /api/v1/namespaces/flux-system/configmaps/infrastructure-config?fieldManager=HashiCorp",
      "PUT /api/v1/namespaces/flux-system/secrets/sops-age?fieldManager=HashiCorp",
      "DELETE /api/v1/namespaces/flux-system",
      "DELETE /api/v1/namespaces/flux-system/configmaps/infrastructure-config",
      "DELETE /api/v1/namespaces/flux-system/secrets/sops-age",
      "PATCH /api/v1/namespaces/flux-system?fieldManager=Terraform&force=false",
    ]),
  );
});

test("its errors are the same as those of the files", async () => {
  write(
    'resource "kubernetes_namespace_v1" "it" {\nmetadata {\nname = "kube-system"\n}\n}\n' +
      'resource "kubernetes_config_map_v1" "lost" {\nmetadata {\nname = "x"\nnamespace = "nowhere"\n}\n}\n' +
      'resource "kubernetes_config_map_v1" "key" {\nmetadata {\nname = "y"\n}\ndata = { "a key" = "1" }\n}\n',
  );
  expect(errorsOf(await workspace.apply()).sort()).toStrictEqual([
    expect.stringMatching(/^ConfigMap "y" is invalid: data\[a key\]: Invalid value/),
    'namespaces "kube-system" already exists',
    'namespaces "nowhere" not found',
  ]);
});

test("an API that is down, a wrong token and a broken file are said plainly", async () => {
  const apis = (content: string) => writeFileSync(join(folder, "apis.json"), content);
  write('resource "kubernetes_namespace_v1" "it" {\nmetadata {\nname = "a"\n}\n}\n');
  apis('{ "staging": { "server": "http://127.0.0.1:1", "token": "x" } }');
  expect(errorsOf(await workspace.apply())).toStrictEqual([
    'Post "http://127.0.0.1:1/api/v1/namespaces?fieldManager=HashiCorp": dial tcp 127.0.0.1:1: connect: connection refused',
  ]);
  apis(
    `{ "staging": { "server": "http://127.0.0.1:${(server.address() as AddressInfo).port}", "token": "wrong" } }`,
  );
  expect(errorsOf(await workspace.apply())).toStrictEqual(["Unauthorized"]);
  apis('{ "staging": { "server": "nowhere" } }');
  expect(errorsOf(await workspace.apply())).toStrictEqual([
    expect.stringMatching(
      /apis\.json: staging\.server must be a URL that starts with https:\/\/ or http:\/\/: It holds/,
    ),
  ]);
  apis("{");
  expect(errorsOf(await workspace.apply())).toStrictEqual([
    expect.stringMatching(/^The file of Kubernetes APIs .*apis\.json: /),
  ]);
});
