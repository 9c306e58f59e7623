import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { parse } from "yaml";
import { loopbackIdentity } from "../../sandbox/api/certificate";
import { describeWithTools } from "../flux-tree/schema-tools";
import { CLUSTER, KUBERNETES, Playground } from "./terraform";

const OBJECTS = `
resource "kubernetes_namespace_v1" "flux" {
  metadata {
    name = "flux-system"
  }
}
resource "kubernetes_config_map_v1" "it" {
  metadata {
    name      = "infrastructure-config"
    namespace = kubernetes_namespace_v1.flux.metadata[0].name
  }
  data = { "values.yaml" = "a: 1" }
}
`;
const CONFIG_MAPS = "/api/v1/namespaces/flux-system/configmaps";

let playground: Playground;
let clusterId: string;
beforeAll(async () => {
  playground = await Playground.start();
  const workspace = await playground.workspace("it", `${CLUSTER}${KUBERNETES}${OBJECTS}`);
  await workspace.mustApply();
  clusterId = String(workspace.state()["digitalocean_kubernetes_cluster.it"]?.id);
});
afterAll(() => playground.stop());

async function digitalOcean(id: string, { query = "", token = "any" } = {}) {
  const response = await fetch(
    `${playground.sandbox.env.DIGITALOCEAN_API_URL}/v2/kubernetes/clusters/${id}/kubeconfig${query}`,
    { headers: token ? { authorization: `Bearer ${token}` } : {} },
  );
  return { status: response.status, text: await response.text() };
}

async function access(query = ""): Promise<{ server: string; ca: string; token: string }> {
  const { clusters, users } = parse((await digitalOcean(clusterId, { query })).text);
  const { server, "certificate-authority-data": authority } = clusters[0].cluster;
  return { server, ca: Buffer.from(authority, "base64").toString(), token: users[0].user.token };
}

/** A request over TLS whose certificate is verified. */
async function ask(
  path: string,
  { method = "GET", token }: { method?: string; token?: string } = {},
): Promise<{ status: number | undefined; body: any; text: string }> {
  const { server, ca, token: issued } = await access();
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(path, server),
      { ca, method, headers: { authorization: `Bearer ${token ?? issued}` }, agent: false },
      (incoming) => {
        let text = "";
        incoming.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        incoming.on("end", () =>
          resolve({
            status: incoming.statusCode,
            text,
            body: text.startsWith("{") ? JSON.parse(text) : undefined,
          }),
        );
      },
    );
    outgoing.on("error", reject).end();
  });
}

test("the certificate is its own authority, for 127.0.0.1 only, and its key signs for it", async () => {
  const { certificate, key } = await loopbackIdentity(Date.parse("2030-06-01T00:00:00Z"));
  const found = new X509Certificate(certificate);
  expect([found.ca, found.subjectAltName, found.checkIP("127.0.0.1"), found.checkIP("10.0.0.1")]).toEqual([
    true,
    "IP Address:127.0.0.1",
    "127.0.0.1",
    undefined,
  ]);
  expect(found.verify(found.publicKey)).toBe(true);
  expect([Date.parse(found.validFrom), Date.parse(found.validTo)]).toEqual([
    Date.parse("2030-05-31T00:00:00Z"),
    Date.parse("2031-06-01T00:00:00Z"),
  ]);
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  expect((await loopbackIdentity()).certificate).not.toBe(certificate);
});

describe("the kubeconfig of a cluster", () => {
  test("is DigitalOcean's: one context, a token that expires when it was asked to", async () => {
    const { text } = await digitalOcean(clusterId, { query: "?expiry_seconds=60" });
    const config = parse(text);
    expect([config.kind, config["current-context"], config.contexts[0].name]).toEqual([
      "Config",
      "do-nyc3-staging",
      "do-nyc3-staging",
    ]);
    const expiry = (token: string) =>
      Number.parseInt(token.slice("dop_v1_".length).slice(0, 8), 16) - Date.now() / 1000;
    expect(expiry(config.users[0].user.token)).toBeLessThan(61);
    expect(expiry((await access()).token)).toBeGreaterThan(6 * 24 * 3600);
  });

  test("is not there for others, nor without a token", async () => {
    expect(await digitalOcean("0a0a0a0a-0000-4000-8000-000000000000")).toMatchObject({
      status: 404,
      text: expect.stringContaining('"id":"not_found"'),
    });
    expect((await digitalOcean(clusterId, { token: "" })).status).toBe(401);
  });
});

describe("the Kubernetes API of a cluster whose objects are in a file", () => {
  test("gives objects and lists", async () => {
    expect((await ask(`${CONFIG_MAPS}/infrastructure-config`)).body).toMatchObject({
      kind: "ConfigMap",
      data: { "values.yaml": "a: 1" },
    });
    const names = async (path: string) =>
      (await ask(path)).body.items.map(({ metadata }: any) => metadata.name);
    expect(await names(CONFIG_MAPS)).toEqual(["infrastructure-config"]);
    expect(await names("/api/v1/configmaps")).toEqual(["infrastructure-config"]);
    expect(await names("/api/v1/namespaces/default/configmaps")).toEqual([]);
    expect(await names("/api/v1/namespaces")).toContain("flux-system");
    expect(await names("/apis/storage.k8s.io/v1/storageclasses")).toEqual(["do-block-storage"]);
    expect((await ask("/version")).body.gitVersion).toBe("v1.33.6");
  });

  test("shows an edit of the cloud's file at once", async () => {
    playground.edit(`kubernetes/${clusterId}.json`, ({ objects }) => {
      objects.ConfigMap["flux-system/infrastructure-config"].data["values.yaml"] = "a: 2";
    });
    expect((await ask(`${CONFIG_MAPS}/infrastructure-config`)).body.data).toEqual({ "values.yaml": "a: 2" });
  });

  test("refuses in the API's own form", async () => {
    expect(await ask(`${CONFIG_MAPS}/nope`)).toMatchObject({
      status: 404,
      body: {
        kind: "Status",
        status: "Failure",
        reason: "NotFound",
        code: 404,
        message: 'configmaps "nope" not found',
      },
    });
    expect(await ask(CONFIG_MAPS, { token: "other" })).toMatchObject({
      status: 401,
      body: { reason: "Unauthorized" },
    });
    expect(await ask(CONFIG_MAPS, { token: `dop_v1_${"0".repeat(64)}` })).toMatchObject({ status: 401 });
    expect(await ask(`${CONFIG_MAPS}/infrastructure-config`, { method: "DELETE" })).toMatchObject({
      status: 405,
      body: { reason: "MethodNotAllowed" },
    });
    expect(await ask(`${CONFIG_MAPS}?watch=true`)).toMatchObject({
      status: 400,
      body: { reason: "BadRequest" },
    });
  });

  test("knows no kinds of Flux, as a cluster without Flux", async () => {
    expect(await ask("/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations")).toMatchObject({
      status: 404,
      text: "404 page not found\n",
    });
  });

  test("a broken file of the cloud is an answer, not the end of the sandbox", async () => {
    const path = playground.cloud(`kubernetes/${clusterId}.json`);
    const content = JSON.stringify(playground.read(`kubernetes/${clusterId}.json`));
    writeFileSync(path, "{");
    expect(await ask(CONFIG_MAPS)).toMatchObject({ status: 500 });
    writeFileSync(path, content);
    expect((await ask(CONFIG_MAPS)).status).toBe(200);
  });
});

describeWithTools("kubectl on a cluster of the sandbox", { tools: ["kubectl"] }, () => {
  async function kubectl(...words: string[]): Promise<string> {
    const kubeconfig = join(playground.folder, "kubeconfig");
    writeFileSync(kubeconfig, (await digitalOcean(clusterId)).text, { mode: 0o600 });
    return new Promise((resolve, reject) => {
      execFile(
        "kubectl",
        ["--cache-dir", join(playground.folder, "cache"), ...words],
        { env: { ...process.env, KUBECONFIG: kubeconfig } },
        (error, stdout) => (error ? reject(error) : resolve(stdout)),
      );
    });
  }

  test("get configmap, as the troubleshooting page has it", async () => {
    const text = await kubectl(
      "get",
      "configmap",
      "infrastructure-config",
      "-n",
      "flux-system",
      "-o",
      "yaml",
    );
    expect(parse(text)).toMatchObject({ kind: "ConfigMap", data: { "values.yaml": expect.any(String) } });
  });

  test("get --raw, short names and kinds of groups", async () => {
    expect(JSON.parse(await kubectl("get", "--raw", CONFIG_MAPS)).items).toHaveLength(1);
    expect(await kubectl("get", "cm", "-A")).toMatch(/^flux-system +infrastructure-config/m);
    expect(await kubectl("get", "storageclass")).toContain("do-block-storage");
  });

  test("what is not there is not found", async () => {
    await expect(kubectl("get", "configmap", "nope")).rejects.toThrow('configmaps "nope" not found');
    await expect(kubectl("get", "--raw", "/apis/helm.toolkit.fluxcd.io/v2/helmreleases")).rejects.toThrow(
      "(NotFound)",
    );
  });
});

test("a cluster with a real API has the kubeconfig of that API, and is not served from a file", async () => {
  const real = await Playground.start({ kubernetesApis: join(playground.folder, "apis.json") });
  try {
    writeFileSync(join(playground.folder, "apis.json"), "{}");
    const workspace = await real.workspace("real", CLUSTER);
    await workspace.mustApply();
    const id = workspace.state()["digitalocean_kubernetes_cluster.it"]?.id;
    writeFileSync(
      join(playground.folder, "apis.json"),
      JSON.stringify({ staging: { server: "https://127.0.0.1:6443", token: "real-token", ca: "PEM" } }),
    );
    const response = await fetch(
      `${real.sandbox.env.DIGITALOCEAN_API_URL}/v2/kubernetes/clusters/${id}/kubeconfig`,
      { headers: { authorization: "Bearer any" } },
    );
    const { clusters, users } = parse(await response.text());
    expect([clusters[0].cluster, users[0].user.token]).toEqual([
      {
        server: "https://127.0.0.1:6443",
        "certificate-authority-data": Buffer.from("PEM").toString("base64"),
      },
      "real-token",
    ]);
  } finally {
    await real.stop();
  }
});
