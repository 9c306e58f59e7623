import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ciReadiness } from "../../src/commands/ci-ready";
import { actionsSecretName, PLANNED_WITH } from "../../src/secrets/tokens";
import { EXAMPLE_TEXT } from "../support/example";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ci-ready-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function configure(change: (document: Record<string, any>) => void = () => undefined): void {
  const document = JSON.parse(EXAMPLE_TEXT);
  document.state = { backend: "spaces", bucket: "acme-state", region: "fra1" };
  change(document);
  writeFileSync(join(folder, "infrastructure.config.json"), JSON.stringify(document));
}

const VALUE = { sealed: "c2VhbGVk", digest: "salt:hash" };
const KEY = { id: "1", key: "a2V5" };

/** Writes what a deploy seals, with a change. */
function seal(
  names: readonly string[],
  change: (published: Record<string, any>) => void = () => undefined,
): void {
  mkdirSync(join(folder, "secrets"), { recursive: true });
  for (const name of names) {
    const tokens = Object.keys(PLANNED_WITH).map((token) => [actionsSecretName(name, token), VALUE]);
    const published = {
      publicKey: KEY,
      secrets: Object.fromEntries(tokens),
      environment: { publicKey: KEY, secrets: { DIGITALOCEAN_TOKEN: VALUE } },
      deployKey: "ssh-ed25519 AAAA",
      webhookPath: "/hook/0123",
    };
    change(published);
    writeFileSync(join(folder, "secrets", `${name}.json`), JSON.stringify(published));
  }
}

test("CI is ready with a shared state, a repository and sealed secrets", () => {
  configure();
  seal(["staging", "production"]);
  expect(ciReadiness(folder)).toEqual({
    ready: true,
    deploys: true,
    reason: "the state is shared, and the secrets are sealed",
    environments: ["staging", "production"],
    beforeProduction: ["staging"],
    production: ["production"],
    prefixes: { staging: "STAGING", production: "PRODUCTION" },
  });
});

test.each([
  ["no configuration", () => undefined, /infrastructure\.config\.json is not in the repository/],
  [
    "a local state",
    () => configure((document) => (document.state = { backend: "local" })),
    /the state is on somebody's machine/,
  ],
  ["no repository", () => configure((document) => delete document.github), /"github" is not in/],
  [
    "a first deploy that is missing",
    () => {
      configure();
      seal(["staging"]);
    },
    /^secrets\/production\.json is missing/,
  ],
])("%s is told", (_, prepare, reason) => {
  prepare();
  expect(ciReadiness(folder)).toMatchObject({
    ready: false,
    deploys: false,
    reason: expect.stringMatching(reason),
  });
});

test("without tokens that may only read, pull requests are not planned with others", () => {
  configure();
  seal(["staging"]);
  seal(["production"], (published) => {
    delete published.secrets.PRODUCTION_PLAN_GITHUB_TOKEN;
  });
  expect(ciReadiness(folder)).toMatchObject({
    ready: false,
    deploys: true,
    reason: expect.stringMatching(/^PRODUCTION_PLAN_GITHUB_TOKEN is not sealed.*docs\/credentials\.md/),
  });
});

test.each([
  [
    "no environments at GitHub",
    (published: Record<string, any>) => {
      delete published.environment;
      published.offer = {
        owner: "User",
        visibility: "private",
        plan: "free",
        environments: false,
        protectionRules: false,
      };
    },
    /no environments, since it is private on the plan Free/,
  ],
  [
    "deploy tokens among those of the repository",
    (published: Record<string, any>) => {
      delete published.environment;
    },
    /^secrets\/staging\.json, secrets\/production\.json have no deploy tokens/,
  ],
])("with %s CI plans and deploys nothing", (_, change, reason) => {
  configure();
  seal(["staging", "production"], change);
  expect(ciReadiness(folder)).toMatchObject({
    ready: true,
    deploys: false,
    reason: expect.stringMatching(reason),
  });
});

test("a broken configuration is an error, not a reason to skip", () => {
  writeFileSync(join(folder, "infrastructure.config.json"), "{");
  expect(() => ciReadiness(folder)).toThrow(/broken JSON/);
});
