import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClusterUnreachable, KubeconfigRefused, withCluster, withKubeconfig } from "../../src/cluster";

let folder: string;
let server: Server;
let asked: string[];
let variables: Record<string, string>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "cluster-reader-"));
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    if (request.url?.startsWith("/v2/kubernetes/clusters/c-1/"))
      response.end("apiVersion: v1\nkind: Config\n");
    else response.writeHead(request.url?.includes("c-500") ? 500 : 404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  variables = {
    PATH: `${folder}:${process.env.PATH}`,
    DIGITALOCEAN_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    DIGITALOCEAN_TOKEN: "a-token",
  };
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

/** A stand-in for kubectl that writes down how it was called, and answers so. */
function kubectl(answer: string): void {
  writeFileSync(join(folder, "kubectl"), `#!/bin/sh\necho "$@" > "${folder}/called"\n${answer}\n`);
  chmodSync(join(folder, "kubectl"), 0o755);
}
const get = (path = "/api/v1/namespaces/default") =>
  withCluster({ clusterId: "c-1", variables }, (reader) => reader.get(path));

describe("a kubeconfig", () => {
  test("is its owner's alone and gone afterwards, also after a failure", async () => {
    const seen: [string, number][] = [];
    const work = (file: string) => {
      seen.push([file, statSync(file).mode & 0o777]);
      throw new Error("stopped");
    };
    await expect(withKubeconfig({ clusterId: "c-1", variables }, work)).rejects.toThrow("stopped");
    expect(seen.map(([, mode]) => mode)).toEqual([0o600]);
    expect(existsSync(seen[0]?.[0] ?? "")).toBe(false);
  });

  test("is asked for with the token, and for as long as it is needed", async () => {
    await withKubeconfig({ clusterId: "c-1", variables, lifetimeSeconds: 60 }, () => undefined);
    expect(asked).toEqual(["/v2/kubernetes/clusters/c-1/kubeconfig?expiry_seconds=60 Bearer a-token"]);
  });

  test("of a cluster that is gone is told apart from one that is refused", async () => {
    const refusal = (clusterId: string) =>
      withKubeconfig({ clusterId, variables }, () => undefined).catch((error: KubeconfigRefused) => error);
    expect([await refusal("c-2"), await refusal("c-500")]).toMatchObject([
      { gone: true, status: 404 },
      { gone: false, status: 500 },
    ]);
    expect(await refusal("c-2")).toBeInstanceOf(KubeconfigRefused);
  });

  test("without a token is not asked for: what is missing is named", async () => {
    await expect(
      withKubeconfig(
        { clusterId: "c-1", variables: { ...variables, DIGITALOCEAN_TOKEN: "" } },
        () => undefined,
      ),
    ).rejects.toThrow(/^DIGITALOCEAN_TOKEN is not set/);
    expect(asked).toEqual([]);
  });

  test("without network names the address and the reason", async () => {
    const url = "http://127.0.0.1:1";
    await expect(
      withKubeconfig(
        { clusterId: "c-1", variables: { ...variables, DIGITALOCEAN_API_URL: url } },
        () => undefined,
      ),
    ).rejects.toThrow(/^DigitalOcean's API \(http:\/\/127\.0\.0\.1:1\) can't be reached: .+/);
  });
});

describe("reading through kubectl", () => {
  test("gives the object, and keeps to a timeout", async () => {
    kubectl(`echo '{"metadata":{"name":"default"}}'`);
    expect(await get()).toEqual({ metadata: { name: "default" } });
    expect(readFileSync(join(folder, "called"), "utf8")).toMatch(
      /^--kubeconfig \S+\/kubeconfig --request-timeout=10s get --raw \/api\/v1\/namespaces\/default\n$/,
    );
    expect(asked[0]).toContain("expiry_seconds=600");
  });

  test("gives a list's items, none of an empty list, and nothing for a kind that isn't there", async () => {
    const list = () => withCluster({ clusterId: "c-1", variables }, (reader) => reader.list("/apis/x/v1/y"));
    kubectl(`echo '{"items":[{"metadata":{"name":"a"}}]}'`);
    expect(await list()).toEqual([{ metadata: { name: "a" } }]);
    kubectl(`echo '{"items":null}'`);
    expect(await list()).toEqual([]);
    kubectl(
      'echo "Error from server (NotFound): the server could not find the requested resource" >&2; exit 1',
    );
    expect(await list()).toBeUndefined();
  });

  test.each([
    [
      "E1121 10:00:00.1 memcache.go:265] noise\nThe connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?",
      "the cluster's API doesn't answer (GET /version): The connection to the server 127.0.0.1:1 was refused",
    ],
    [
      "error: You must be logged in to the server (Unauthorized)",
      "the cluster's API doesn't answer (GET /version): You must be logged in to the server (Unauthorized)",
    ],
    ["", "the cluster's API doesn't answer (GET /version): no answer within 10 s"],
  ])("an API that doesn't answer is told in one line: %j", async (stderr, message) => {
    writeFileSync(join(folder, "stderr"), stderr);
    kubectl(`cat "${folder}/stderr" >&2; exit 1`);
    const error = await get("/version").catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(ClusterUnreachable);
    expect((error as Error).message).toBe(message);
  });

  test("without kubectl says how to get it", async () => {
    variables.PATH = join(folder, "nothing");
    await expect(get()).rejects.toThrow(/^kubectl is not installed or not in PATH.*mise install/);
  });
});
