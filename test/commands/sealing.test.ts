import { rmSync } from "node:fs";
import { join } from "node:path";
import { explainSealing, synthesizeSealed } from "../../src/deployment/sealing";
import { openWorkspace } from "../../src/workspace";
import { type CliResult, cli, SandboxProject } from "../support/sandbox-project";

/** The environment's own variable, and the secret of the GitHub environment that it becomes. */
const VARIABLE = "STAGING_DIGITALOCEAN_TOKEN";
const SECRET = "DIGITALOCEAN_TOKEN";
const VALUES = ["value-of-the-first-token", "value-of-another-token"] as const;
const FILE = ["secrets", "staging.json"] as const;
const ALL = { environment: [], stack: [] };

const project = new SandboxProject((document) => {
  document.environments = [document.environments[0]];
});
afterAll(() => project.remove());

/** What is sealed for an environment in a sandbox is set by its own variable, which no sandbox takes away. */
const run = (value: string, command: string, ...args: string[]): CliResult =>
  cli([command, "--sandbox", project.name, ...args], { [VARIABLE]: value });
const json = (result: CliResult) => JSON.parse(result.stdout);

test("before the first deploy diff names what it would seal, and makes nothing", () => {
  const { code, stdout } = run(VALUES[0], "diff");
  expect(code).toBe(2);
  expect(stdout).toContain(`the secrets of the GitHub environment staging: ${SECRET}`);
  for (const address of ["github_repository_deploy_key.deploy-key", "github_repository_webhook.webhook"])
    expect(stdout).toContain(address);
  expect([project.exists("secrets", "staging.json"), project.exists(".secrets")]).toEqual([false, false]);
});

test("a deploy that nobody approves seals nothing", () => {
  const { code, stdout } = run(VALUES[0], "deploy");
  expect([code, stdout]).toEqual([
    1,
    expect.stringContaining(`the secrets of the GitHub environment staging: ${SECRET}`),
  ]);
  expect(project.exists("secrets", "staging.json")).toBe(false);
});

test("with the values that were sealed diff and deploy both change nothing", () => {
  expect(run(VALUES[0], "deploy", "--yes").code).toBe(0);
  const before = project.read(...FILE);
  const diff = run(VALUES[0], "diff", "--json");
  expect([diff.code, json(diff).sealed]).toEqual([0, []]);
  expect(run(VALUES[0], "deploy", "--yes").stdout).toContain("Nothing to change");
  expect(project.read(...FILE)).toBe(before);
});

test("with another value diff and deploy plan the same, by name only, and write nothing before the approval", () => {
  const before = project.read(...FILE);
  const diff = run(VALUES[1], "diff");
  const deploy = run(VALUES[1], "deploy");
  expect([diff.code, deploy.code]).toEqual([2, 1]);
  for (const { stdout, stderr } of [diff, deploy]) {
    expect(stdout).toMatch(new RegExp(`github_actions_environment_secret\\S*${SECRET}`));
    expect(stdout).toMatch(
      new RegExp(`Sealed for GitHub by this plan \\(.*secrets/staging.json\\): ${SECRET}\\.`),
    );
    expect(VALUES.filter((value) => (stdout + stderr).includes(value))).toEqual([]);
  }
  expect(project.read(...FILE)).toBe(before);
  expect(json(run(VALUES[1], "diff", "--json")).sealed).toEqual([
    { environment: "staging", secrets: [SECRET], keyChanged: false },
  ]);
});

test("a stack that isn't deployed has nothing sealed for it", () => {
  const before = project.read(...FILE);
  const { code, stdout } = run(VALUES[1], "deploy", "--stack", "staging-cluster", "--yes");
  expect([code, stdout]).toEqual([0, expect.stringContaining("Nothing to change")]);
  expect(project.read(...FILE)).toBe(before);
});

describe("in CI", () => {
  /** A sandbox takes away what says that it is CI, so that it is put back here. */
  async function inCi(isDeploy: boolean, variables: Record<string, string> = {}) {
    const workspace = await openWorkspace({ command: "deploy", sandbox: project.name });
    try {
      const ci = {
        ...workspace,
        variables: { ...workspace.variables, GITHUB_ACTIONS: "true", ...variables },
      };
      const { sealing } = await synthesizeSealed(ci, ALL, isDeploy);
      return { sealing, words: explainSealing(ci, sealing) };
    } finally {
      await workspace.close();
    }
  }

  test("the values that it has from GitHub are no change", async () => {
    const { words } = await inCi(true, { [VARIABLE]: VALUES[0] });
    expect(words).toEqual([]);
  });

  test("another value is shown by its name, and never sealed", async () => {
    const before = project.read(...FILE);
    const { sealing, words } = await inCi(true, { [VARIABLE]: VALUES[1] });
    expect(sealing.proposals).toEqual([]);
    expect(words).toEqual([
      expect.stringMatching(new RegExp(`^Not sealed: ${SECRET}\\. .*CI seals nothing, so GitHub keeps`)),
    ]);
    expect(project.read(...FILE)).toBe(before);
  });

  test("the tokens that a pull request is planned with say nothing", async () => {
    expect((await inCi(false, { [VARIABLE]: "token-that-may-only-read" })).words).toEqual([]);
  });

  test("a checkout without the sealed secrets is refused, since the plan would delete them all", async () => {
    const before = project.read(...FILE);
    rmSync(join(project.directory, ...FILE));
    await expect(inCi(true, { [VARIABLE]: VALUES[0] })).rejects.toThrow(
      /secrets\/staging\.json is missing in this checkout, and CI seals nothing.*Deploy once from your machine/,
    );
    project.write([...FILE], before);
  });
});

test("what is approved is sealed, and the next diff has no change", () => {
  const before = project.json(...FILE);
  const { code, stdout } = run(VALUES[1], "deploy", "--yes");
  expect([code, stdout]).toEqual([0, expect.stringContaining(`secrets/staging.json): ${SECRET}\n`)]);
  const after = project.json(...FILE);
  expect(after.environment.secrets[SECRET]).not.toEqual(before.environment.secrets[SECRET]);
  after.environment.secrets[SECRET] = before.environment.secrets[SECRET];
  expect(after).toEqual(before);
  expect(run(VALUES[1], "diff").code).toBe(0);
});
