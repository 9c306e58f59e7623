import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { GitHubCloud } from "../../sandbox/providers/github/cloud";
import { type CliResult, cli, SandboxProject } from "../support/sandbox-project";

/** Production only, in a repository whose environment somebody else has set up. */
const project = new SandboxProject((document) => {
  document.environments = [document.environments[1]];
});
afterAll(() => project.remove());

/** The exit code of status: without kubectl it can't tell what is in the cluster, either. */
const NOT_IN_STEP = spawnSync("kubectl", ["version", "--client"]).status === 0 ? 2 : 1;
const POLICIES = "github_repository_environment_deployment_policy";
const ENVIRONMENT = { repository: "my-repository", environment: "production" };
type Repository = Record<string, any>;
const gitHub = (): { repositories: Record<string, Repository> } => project.json("clouds", "github.json");
const repository = (): Repository => Object.values(gitHub().repositories)[0] ?? {};
/** The sandbox makes an environment's key for sealing when it is asked for first; GitHub has it from the beginning. */
const withoutKeys = (): Repository => ({ ...repository(), environment_keys: undefined });
const edit = (change: (repository: Repository) => void): void => {
  const content = gitHub();
  change(Object.values(content.repositories)[0] ?? {});
  project.write(["clouds", "github.json"], JSON.stringify(content));
};
/** As somebody with access to the settings does it. */
const addPolicy = (id: string, pattern: Record<string, string>): void =>
  edit((content) => {
    content[POLICIES] = { ...content[POLICIES], [id]: { ...ENVIRONMENT, ...pattern } };
  });
const removePolicy = (...ids: string[]): void =>
  edit((content) => {
    for (const id of ids) delete content[POLICIES][id];
  });
const run = (token: string, command: string, ...args: string[]): CliResult =>
  cli([command, "--sandbox", project.name, ...args], { PRODUCTION_DIGITALOCEAN_TOKEN: token });
const remove = (id: string): string =>
  `gh api -X DELETE repos/my-github-user/my-repository/environments/production/deployment-branch-policies/${id}`;
const tokens = (): unknown => repository().github_actions_environment_secret;

test("no token is sealed into an environment that others may use; diff and deploy name who, and the way out", () => {
  new GitHubCloud(join(project.directory, "clouds")).repository("my-github-user", "my-repository");
  edit((content) => {
    content.private = false;
    content.github_repository_environment = {
      production: {
        ...ENVIRONMENT,
        deployment_branch_policy: [{ protected_branches: true, custom_branch_policies: false }],
      },
    };
  });
  addPolicy("7", { branch_pattern: "*" });
  addPolicy("8", { tag_pattern: "main" });
  const before = withoutKeys();
  for (const { code, stdout, stderr } of [run("value-1", "diff"), run("value-1", "deploy", "--yes")]) {
    expect(code).toBe(1);
    expect(stderr).toMatch(/every branch that matches \*, every tag that matches main use the environment/);
    expect(stderr).toContain(`${remove("7")}; ${remove("8")}. No token is sealed into it before that.`);
    expect(stdout).toContain(
      "the branches that may use it: every protected branch -> the one that Flux reads",
    );
  }
  expect(withoutKeys()).toEqual(before);
});

test("once they are removed, the branch that Flux reads may use it before the tokens are in it", () => {
  removePolicy("7", "8");
  const { code, stdout } = run("value-1", "deploy", "--yes");
  expect([code, Object.keys(tokens() as object)]).toEqual([
    0,
    expect.arrayContaining(["production:DIGITALOCEAN_TOKEN"]),
  ]);
  expect(Object.values(repository()[POLICIES])).toMatchObject([{ branch_pattern: "main" }]);
  const created = stdout.split("\n").filter((line) => /created github_/.test(line));
  const at = (type: string): number => created.findIndex((line) => line.includes(`created ${type}.`));
  expect(at("github_actions_environment_secret")).toBeGreaterThan(at(POLICIES));
  expect(at(POLICIES)).toBeGreaterThan(-1);
  expect(run("value-1", "status").stdout).not.toMatch(/gh api|GitHub environment/);
});

test("a policy that somebody adds later, on any page of the list, is named by diff, deploy and status, and keeps new tokens out", () => {
  for (let id = 100; id < 200; id++) addPolicy(String(id), { branch_pattern: "main" });
  addPolicy("900", { branch_pattern: "feature/*" });
  const sealed = tokens();
  const named = /every branch that matches feature\/\* use the environment production/;
  for (const { code, stdout } of [run("value-1", "diff"), run("value-1", "deploy", "--yes")])
    expect([code, stdout]).toEqual([0, expect.stringMatching(named)]);
  for (const { code, stderr } of [run("value-2", "diff"), run("value-2", "deploy", "--yes")])
    expect([code, stderr]).toEqual([1, expect.stringMatching(named)]);
  expect(tokens()).toEqual(sealed);
  const { code, stdout } = run("value-1", "status");
  expect([code, stdout.replace(/\s+/g, " ")]).toEqual([NOT_IN_STEP, expect.stringMatching(named)]);
  expect(stdout).toContain("GitHub environment open to others.");
  removePolicy(...Array.from({ length: 100 }, (_, index) => String(100 + index)), "900");
});

test("a kind of policy that lets every branch in is in the plan, and status names it", () => {
  edit((content) => {
    content.github_repository_environment.production.deployment_branch_policy = [];
  });
  const status = run("value-1", "status");
  expect([status.code, status.stdout.replace(/\s+/g, " ")]).toEqual([
    NOT_IN_STEP,
    expect.stringMatching(/GitHub lets every branch and every tag use the environment production/),
  ]);
  const { code, stdout } = run("value-2", "diff");
  expect([code, stdout]).toEqual([
    2,
    expect.stringMatching(/custom_branch_policies|deployment_branch_policy/),
  ]);
  expect(run("value-2", "deploy", "--yes").code).toBe(0);
  expect(run("value-2", "status").stdout).not.toContain("GitHub environment");
});
