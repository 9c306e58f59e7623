import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrapArguments, bootstrapFlux, bootstrapObstacle } from "../../src/deployment/flux-bootstrap";
import { KUBECONFIG } from "../support/kubeconfig";

const github = { owner: "acme", repository: "platform", branch: "main" };
const TOKEN = "dop_v1_sentinel";
let folder: string;
let server: Server;
let asked: string[];
let ownerType: string;
let variables: Record<string, string>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "bootstrap-"));
  [asked, ownerType] = [[], "User"];
  server = createServer((request, response) => {
    const url = (request.url ?? "").replace(/^\/api\/v3/, "");
    asked.push(`${url} ${request.headers.authorization}`);
    if (url.startsWith("/users/")) response.end(JSON.stringify({ type: ownerType }));
    else if (url === "/v2/kubernetes/clusters/c-1/kubeconfig?expiry_seconds=3600") response.end(KUBECONFIG);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // A stand-in for the flux CLI that writes down how it was called and what its kubeconfig holds.
  const flux = join(folder, "flux");
  writeFileSync(
    flux,
    `#!/bin/sh\n[ "$1" = --version ] && exit 0\n{ echo "$@"; cat "$KUBECONFIG"; echo "$KUBECONFIG"; ls -l "$KUBECONFIG" | cut -c1-10; } > "${folder}/called"\nprintf '%s' "$FLUX_SAYS"\nprintf '%s' "$FLUX_COMPLAINS" >&2\nexit "\${FLUX_EXIT:-0}"\n`,
  );
  chmodSync(flux, 0o755);
  // And one for kubectl: what it is asked for is Flux's source.
  const kubectl = join(folder, "kubectl");
  writeFileSync(
    kubectl,
    `#!/bin/sh\nif [ -n "$FOLLOWS" ]; then printf '%s' "$FOLLOWS"; else echo 'Error from server (NotFound): none' >&2; exit 1; fi\n`,
  );
  chmodSync(kubectl, 0o755);
  variables = {
    PATH: `${folder}:${process.env.PATH}`,
    GITHUB_BASE_URL: `${base}/`,
    DIGITALOCEAN_API_URL: base,
    GITHUB_TOKEN: "gh",
    DIGITALOCEAN_TOKEN: TOKEN,
  };
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const bootstrap = (more: Record<string, string> = {}, clusterId = "c-1", anotherRepository = false) =>
  bootstrapFlux({
    anotherRepository,
    directory: folder,
    environment: "staging",
    github,
    clusterId,
    variables: { ...variables, ...more },
  });

test("flux bootstrap gets the documented arguments and a kubeconfig of its own, which is gone afterwards", async () => {
  await bootstrap();
  const [line, ...rest] = readFileSync(join(folder, "called"), "utf8").trim().split("\n");
  expect(line).toBe(
    `bootstrap github --hostname=${new URL(variables.GITHUB_BASE_URL ?? "").host} --owner=acme --repository=platform --branch=main --path=flux/clusters/staging --personal`,
  );
  expect(rest.slice(0, 2)).toEqual(["apiVersion: v1", "kind: Config"]);
  const [kubeconfig = "", mode] = rest.slice(-2);
  expect([mode, existsSync(kubeconfig)]).toEqual(["-rw-------", false]);
  expect(asked).toContain(`/v2/kubernetes/clusters/c-1/kubeconfig?expiry_seconds=3600 Bearer ${TOKEN}`);
});

test("what flux prints goes through this process, in its two streams", async () => {
  const said = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    jest.spyOn(process[name], "write").mockImplementation((part) => {
      said[name] += part.toString();
      return true;
    }),
  );
  try {
    await bootstrap({ FLUX_SAYS: "connected\n", FLUX_COMPLAINS: "refused: größer\n" });
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  expect(said).toEqual({ stdout: "connected\n", stderr: "refused: größer\n" });
});

test("an organisation's repository isn't personal", async () => {
  ownerType = "Organization";
  await bootstrap();
  expect(readFileSync(join(folder, "called"), "utf8")).not.toContain("--personal");
});

test.each([
  [undefined, []],
  ["https://api.github.com/", []],
  ["https://git.acme.example/api/v3", ["--hostname=git.acme.example"]],
  ["https://api.acme.ghe.com/", ["--hostname=acme.ghe.com"]],
])("flux asks the GitHub of GITHUB_BASE_URL %s", (value, expected) => {
  const all = bootstrapArguments(
    { directory: folder, environment: "staging", github, variables: { GITHUB_BASE_URL: value } },
    false,
  );
  expect(all.filter((argument) => argument.startsWith("--hostname"))).toEqual(expected);
});

test("the deploy key of this machine is used where there is one", () => {
  mkdirSync(join(folder, ".secrets", "staging"), { recursive: true });
  writeFileSync(join(folder, ".secrets", "staging", "deploy-key"), "");
  expect(
    bootstrapArguments({ directory: folder, environment: "staging", github, variables }, false),
  ).toContain("--private-key-file=.secrets/staging/deploy-key");
});

test("a failed bootstrap says that the rest is deployed, and leaves no kubeconfig behind", async () => {
  await expect(bootstrap({ FLUX_EXIT: "1" })).rejects.toThrow(
    /flux bootstrap failed for staging .*the next deploy tries it again/,
  );
  const kubeconfig = readFileSync(join(folder, "called"), "utf8").trim().split("\n").at(-2) ?? "";
  expect(existsSync(kubeconfig)).toBe(false);
});

test("a cluster that DigitalOcean doesn't know is told without the token", async () => {
  await expect(bootstrap({}, "c-2")).rejects.toThrow(
    "DigitalOcean refused the kubeconfig of cluster c-2: 404. Check DIGITALOCEAN_TOKEN.",
  );
});

describe("where Flux is in the cluster already", () => {
  const following = (url: string, branch: string) => ({
    FOLLOWS: JSON.stringify({ metadata: { name: "flux-system" }, spec: { url, ref: { branch } } }),
  });

  test.each([
    ["ssh://git@github.com/acme/platform", "main"],
    ["https://github.com/Acme/Platform.git", "main"],
  ])("and follows the configuration's repository (%s, %s), it is installed anew", async (url, branch) => {
    await bootstrap(following(url, branch));
    expect(existsSync(join(folder, "called"))).toBe(true);
  });

  test.each([
    ["ssh://git@github.com/acme/old-platform", "main", "branch main of acme/old-platform"],
    ["ssh://git@github.com/other/platform.git", "main", "branch main of other/platform"],
    ["ssh://git@github.com/acme/platform", "release", "branch release of acme/platform"],
  ])("and follows another one (%s, %s), it is left alone", async (url, branch, told) => {
    await expect(bootstrap(following(url, branch))).rejects.toThrow(
      `in staging it follows ${told}, and the configuration says branch main of acme/platform`,
    );
    expect(existsSync(join(folder, "called"))).toBe(false);
    await bootstrap(following(url, branch), "c-1", true);
    expect(existsSync(join(folder, "called"))).toBe(true);
  });
});

test("what keeps flux from being installed is named", () => {
  expect(bootstrapObstacle({ ...variables, GITHUB_TOKEN: "" })).toBe("GITHUB_TOKEN is not set");
  expect(bootstrapObstacle({ ...variables, PATH: join(folder, "nothing") })).toBe(
    "the flux CLI is not installed",
  );
  expect(bootstrapObstacle(variables)).toBeUndefined();
});
