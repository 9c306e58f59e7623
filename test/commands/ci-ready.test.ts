import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ciReadiness } from "../../src/commands/ci-ready";
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

function seal(...environments: string[]): void {
  mkdirSync(join(folder, "secrets"), { recursive: true });
  for (const name of environments) writeFileSync(join(folder, "secrets", `${name}.json`), "{}");
}

test("CI is ready with a shared state, a repository and sealed secrets", () => {
  configure();
  seal("staging", "production");
  expect(ciReadiness(folder)).toEqual({
    ready: true,
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
      seal("staging");
    },
    /^secrets\/production\.json is missing/,
  ],
])("%s is told", (_, prepare, reason) => {
  prepare();
  expect(ciReadiness(folder)).toMatchObject({ ready: false, reason: expect.stringMatching(reason) });
});

test("a broken configuration is an error, not a reason to skip", () => {
  writeFileSync(join(folder, "infrastructure.config.json"), "{");
  expect(() => ciReadiness(folder)).toThrow(/broken JSON/);
});
