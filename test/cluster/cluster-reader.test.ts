import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClusterUnreachable, KubeconfigRefused, withCluster, withKubeconfig } from "../../src/cluster";
import { KUBECONFIG } from "../support/kubeconfig";

jest.mock("../../src/api-client/retry-policy", () => require("../support/quick-retries").quickRetries());

let folder: string;
let server: Server;
let asked: string[];
let kubeconfig: string;
let variables: Record<string, string>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "cluster-reader-"));
  asked = [];
  kubeconfig = KUBECONFIG;
  server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    if (request.url?.startsWith("/v2/kubernetes/clusters/c-1/")) response.end(kubeconfig);
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

  test("is asked for with the other name of the token too", async () => {
    const { DIGITALOCEAN_TOKEN: token, ...others } = variables;
    const other = { ...others, DIGITALOCEAN_ACCESS_TOKEN: `other-${token}` };
    await withKubeconfig({ clusterId: "c-1", variables: other }, () => undefined);
    expect(asked).toEqual(["/v2/kubernetes/clusters/c-1/kubeconfig Bearer other-a-token"]);
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

  test.each([
    ["nothing", ""],
    ["a page", "<html></html>"],
    ["no server", KUBECONFIG.replace(/^ {6}server: .*\n/m, "      insecure-skip-tls-verify: true\n")],
    ["no TLS", KUBECONFIG.replace("https:", "http:")],
    ["no context", KUBECONFIG.replace("current-context: do-nyc3-c", "current-context: other")],
    ["no token", KUBECONFIG.replace(/^ {6}token: .*$/m, "      username: somebody")],
    ["a plugin", KUBECONFIG.replace(/^( {6}token: .*)$/m, "$1\n      exec: { command: touch }")],
  ])("that has %s is not used: kubectl would ask another cluster, or run a program", async (_, text) => {
    kubeconfig = text;
    kubectl("echo '{}'");
    await expect(get()).rejects.toThrow("DigitalOcean's answer for cluster c-1 is no kubeconfig");
    expect(existsSync(join(folder, "called"))).toBe(false);
  });

  test("is asked for by an id that can't lead elsewhere, with a token that can't be shown", async () => {
    await withKubeconfig({ clusterId: "../../account?x=", variables }, () => undefined).catch(
      () => undefined,
    );
    expect(asked[0]).toMatch(/^\/v2\/kubernetes\/clusters\/\.\.%2F\.\.%2Faccount%3Fx%3D\/kubeconfig /);
    const token = { ...variables, DIGITALOCEAN_TOKEN: "secret\nlines" };
    const refusal = await withKubeconfig({ clusterId: "c-1", variables: token }, () => undefined).catch(
      String,
    );
    expect(refusal).toContain("DIGITALOCEAN_TOKEN has spaces, line breaks");
    expect(refusal).not.toContain("secret");
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
    ).rejects.toThrow(
      /^DigitalOcean can't be reached \(http:\/\/127\.0\.0\.1:1\/.+\): connect ECONNREFUSED .+/,
    );
  });
});

describe("reading through kubectl", () => {
  test.each(["", "<html>", "Warning: old\n{}", "5"])(
    "tells an answer that is no object: %j",
    async (answer) => {
      kubectl(`printf '%s' '${answer}'`);
      await expect(get()).rejects.toThrow(
        `doesn't answer with an object (GET /api/v1/namespaces/default): ${JSON.stringify(answer)}`,
      );
    },
  );

  test("a wrapper around kubectl that hangs is ended with what it has started", async () => {
    const beat = join(folder, "beat");
    kubectl(`(while :; do date +%s%N > "${beat}"; sleep 0.05; done) & wait`);
    await expect(get()).rejects.toThrow("kubectl did not end within 15 s");
    const pause = () => new Promise((resolve) => setTimeout(resolve, 300));
    await pause();
    const last = readFileSync(beat, "utf8");
    await pause();
    expect(readFileSync(beat, "utf8")).toBe(last);
  });

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
    ["", "the cluster's API doesn't answer (GET /version): kubectl failed without a word"],
  ])("an API that doesn't answer is told in one line: %j", async (stderr, message) => {
    writeFileSync(join(folder, "stderr"), stderr);
    kubectl(`cat "${folder}/stderr" >&2; exit 1`);
    const error = await get("/version").catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(ClusterUnreachable);
    expect((error as Error).message).toBe(message);
  });

  test("without kubectl says how to get it", async () => {
    variables.PATH = join(folder, "nothing");
    await expect(get()).rejects.toThrow(/^kubectl is not installed, or not on PATH.*mise install/);
  });
});
