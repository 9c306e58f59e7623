import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fluxObstacle, installFlux, isFluxComplete } from "../../src/deployment/flux-installation";
import { Output } from "../../src/terminal/output";
import { KUBECONFIG } from "../support/kubeconfig";

const github = { owner: "acme", repository: "platform", branch: "main" };
let folder: string;
let checkout: string;
let server: Server;
let variables: Record<string, string>;
let lines: string[];
let output: Output;

const git = (...args: string[]): void => {
  const { status, stderr } = spawnSync("git", args, { cwd: checkout, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
};
const tool = (name: string, script: string): void => {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "installation-"));
  checkout = join(folder, "checkout");
  mkdirSync(join(checkout, "flux"), { recursive: true });
  writeFileSync(join(checkout, "flux", "kustomization.yaml"), "resources: []\n");
  spawnSync("git", ["init", "-q", "--bare", "-b", "main", join(folder, "acme", "platform.git")]);
  git("init", "-q", "-b", "main");
  git("config", "user.email", "ada@example.com");
  git("config", "user.name", "Ada");
  git("add", ".");
  git("commit", "-qm", "First");
  git("remote", "add", "origin", join(folder, "acme", "platform.git"));
  git("push", "-q", "origin", "main");
  server = createServer((request, response) => {
    if (request.url?.includes("/users/")) response.end(JSON.stringify({ type: "Organization" }));
    else if (request.url?.includes("/kubeconfig")) response.end(KUBECONFIG);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Bootstraps every environment but staging.
  tool(
    "flux",
    `[ "$1" = --version ] && exit 0\necho "$@" >> "${folder}/called"\ncase "$*" in *clusters/staging*) exit 1;; esac`,
  );
  tool("kubectl", "echo 'Error from server (NotFound): none' >&2; exit 1");
  variables = {
    PATH: `${folder}:${process.env.PATH}`,
    GITHUB_BASE_URL: `${base}/`,
    DIGITALOCEAN_API_URL: base,
    GITHUB_TOKEN: "gh",
    DIGITALOCEAN_TOKEN: "do",
  };
  lines = [];
  output = new Output(false);
  for (const method of ["line", "problem"] as const)
    jest.spyOn(output, method).mockImplementation((line = "") => void lines.push(line));
});
afterEach(() => {
  server.close();
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const install = (
  environments: readonly { name: string; obstacle?: string }[],
  more: Partial<Parameters<typeof installFlux>[0]> = {},
) =>
  installFlux({
    directory: checkout,
    variables,
    output,
    github,
    environments,
    clusterId: async (name) => `id-of-${name}`,
    ...more,
  });
const called = () => readFileSync(join(folder, "called"), "utf8").match(/clusters\/[\w-]+/g);

test("what fails in one environment, or keeps its stacks from being deployed, keeps Flux from no other", async () => {
  const outcomes = await install([
    { name: "broken", obstacle: "broken-cluster is not deployed (failed)" },
    { name: "staging" },
    { name: "production" },
  ]);
  expect(outcomes).toEqual([
    { environment: "broken", status: "left out", reason: "broken-cluster is not deployed (failed)" },
    { environment: "staging", status: "failed", reason: expect.stringContaining("flux bootstrap failed") },
    { environment: "production", status: "installed" },
  ]);
  expect(called()).toEqual(["clusters/staging", "clusters/production"]);
  expect(lines.join("\n")).toContain("broken: Flux is left out, since broken-cluster is not deployed");
});

test.each<[string, () => Partial<Parameters<typeof installFlux>[0]>, RegExp]>([
  [
    "a branch that can't be fetched",
    () => {
      rmSync(join(folder, "acme"), { recursive: true });
      return {};
    },
    /can't be fetched|not known/,
  ],
  [
    "a tree that was not committed",
    () => {
      writeFileSync(join(checkout, "flux", "more.yaml"), "a: 1\n");
      return {};
    },
    /not committed/,
  ],
  ["no token", () => ({ variables: { ...variables, GITHUB_TOKEN: "" } }), /GITHUB_TOKEN is not set/],
])("%s leaves every environment out, with the reason", async (_, prepare, reason) => {
  const outcomes = await install([{ name: "staging" }, { name: "production" }], prepare());
  expect(outcomes.map(({ status }) => status)).toEqual(["left out", "left out"]);
  for (const outcome of outcomes) expect(outcome.reason).toMatch(reason);
});

test("a push that fails is a failure of each, and no error that ends the deploy", async () => {
  git("remote", "set-url", "origin", join(folder, "other", "platform.git"));
  const outcomes = await install([{ name: "production" }], { push: true });
  expect(outcomes).toEqual([
    { environment: "production", status: "failed", reason: expect.stringMatching(/acme\/platform/) },
  ]);
});

test("without github Flux is the user's, and nothing that is missing", async () => {
  expect(await install([{ name: "production" }], { github: undefined })).toEqual([]);
  expect(lines.join("\n")).toContain("Flux is yours to install");
});

describe("whether a deploy is complete", () => {
  const left = {
    environment: "staging",
    status: "left out",
    reason: "the flux CLI is not installed",
  } as const;
  const installed = { environment: "production", status: "installed" } as const;
  const failed = { environment: "staging", status: "failed", reason: "it ended with 1" } as const;

  test.each([
    ["installed everywhere", [installed], [true, true]],
    ["left out in one environment", [installed, left], [true, false]],
    ["failed in one environment", [installed, failed], [false, false]],
    ["nothing to install", [], [true, true]],
  ] as const)("Flux %s", (_, outcomes, [optional, required]) => {
    const told: string[] = [];
    const note = { problem: (text = "") => void told.push(text) };
    expect(isFluxComplete(outcomes, false, note)).toBe(optional);
    expect(told).toEqual([]);
    expect(isFluxComplete(outcomes, true, note)).toBe(required);
    expect(told).toHaveLength(required ? 0 : 1);
  });

  test("what keeps Flux out is its own cluster or ConfigMaps that are not deployed, and nothing else", () => {
    const results = (status: "applied" | "unchanged" | "failed" | "not begun") => (name: string) => ({
      name,
      status,
    });
    const obstacle = (...stacks: ReturnType<ReturnType<typeof results>>[]) => fluxObstacle("staging", stacks);
    expect(
      obstacle(...["staging-cluster", "staging-flux-configuration"].map(results("applied"))),
    ).toBeUndefined();
    expect(obstacle(results("unchanged")("staging-cluster"))).toBeUndefined();
    for (const stack of ["staging-cluster", "staging-flux-configuration"])
      expect(obstacle(results("failed")(stack))).toBe(`${stack} is not deployed (failed)`);
    for (const stack of ["staging-github-secrets", "production-cluster"])
      expect(obstacle(results("not begun")(stack))).toBeUndefined();
  });
});
