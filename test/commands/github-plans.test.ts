import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CliResult, cli, SandboxProject } from "../support/sandbox-project";

const OWNER = "my-github-user";
const VALUES = { DIGITALOCEAN: "value-of-a-deploy-token", PLAN: "value-of-a-plan-token" };

/** A sandbox whose repository's owner has a plan, with one environment that somebody has to approve. */
function projectOf(account: { readonly type: string; readonly plan: string }): SandboxProject {
  const project = new SandboxProject((document) => {
    document.environments = [{ ...document.environments[0], reviewers: ["ada"] }];
  });
  mkdirSync(join(project.directory, "clouds"), { recursive: true });
  project.write(["clouds", "github.json"], JSON.stringify({ accounts: { [OWNER]: account } }));
  return project;
}

const run = (project: SandboxProject, ...args: string[]): CliResult =>
  cli([...args, "--sandbox", project.name], {
    STAGING_DIGITALOCEAN_TOKEN: VALUES.DIGITALOCEAN,
    STAGING_PLAN_DIGITALOCEAN_TOKEN: VALUES.PLAN,
  });

const inGitHub = (project: SandboxProject) =>
  Object.values(project.json("clouds", "github.json").repositories)[0] as Record<
    string,
    Record<string, unknown>
  >;

describe.each([
  ["private, Pro", { type: "User", plan: "pro" }, { environment: true, reviewers: false }],
  ["private, Free", { type: "User", plan: "free" }, { environment: false, reviewers: false }],
  [
    "private, Enterprise",
    { type: "Organization", plan: "enterprise" },
    { environment: true, reviewers: true },
  ],
])("%s", (_, account, offered) => {
  const project = projectOf(account);
  afterAll(() => project.remove());
  let diff: CliResult;
  let kept: boolean;
  let first: CliResult;
  beforeAll(() => {
    diff = run(project, "diff");
    kept = project.exists(".secrets") || project.exists("secrets");
    first = run(project, "deploy", "--yes");
  });

  test("diff plans the first deploy as it will be, with the same warnings, and keeps no keys for it", () => {
    const planned = ({ stdout }: CliResult) => [
      stdout.split("\n").filter((line) => /^ +\+ +github_/.test(line)),
      stdout.split("\n").filter((line) => /^(?:Warning|After this plan): /.test(line)),
    ];
    expect(planned(diff)).toEqual(planned(first));
    expect(kept).toBe(false);
    expect(planned(diff)[0]).toHaveLength(offered.environment ? 10 : 3);
  });

  test("one deploy sets all that GitHub offers, and warns of the rest", () => {
    expect([first.code, first.stderr]).toEqual([0, expect.not.stringContaining("422")]);
    const warnings = first.stdout.split("\n").filter((line) => line.startsWith("Warning: "));
    expect(warnings).toEqual(
      offered.reviewers
        ? []
        : [expect.stringMatching(offered.environment ? /reviewers/ : /no environments(?!.*deletes)/)],
    );
    const cloud = inGitHub(project);
    expect(Object.keys(cloud.github_repository_environment ?? {})).toEqual(
      offered.environment ? ["staging"] : [],
    );
    const reviewers = cloud.github_repository_environment?.staging as { reviewers?: unknown[] } | undefined;
    expect((reviewers?.reviewers ?? []).length).toBe(offered.reviewers ? 1 : 0);
  });

  test("the deploy's token is where only jobs of the environment see it, the plan's where all do", () => {
    const cloud = inGitHub(project);
    expect(Object.keys(cloud.github_actions_secret ?? {})).toEqual(["STAGING_PLAN_DIGITALOCEAN_TOKEN"]);
    expect(Object.keys(cloud.github_actions_environment_secret ?? {})).toEqual(
      expect.arrayContaining(offered.environment ? ["staging:DIGITALOCEAN_TOKEN"] : []),
    );
    expect(cloud.github_actions_environment_secret === undefined).toBe(!offered.environment);
  });

  test("nothing is left to change", () => {
    expect(run(project, "diff").code).toBe(0);
  });
});

test("when the account is on Free later, diff and deploy say that what exists is deleted", () => {
  const project = projectOf({ type: "User", plan: "pro" });
  try {
    expect(run(project, "deploy", "--yes").code).toBe(0);
    const gitHub = project.json("clouds", "github.json");
    gitHub.accounts[OWNER].plan = "free";
    project.write(["clouds", "github.json"], JSON.stringify(gitHub));
    const { code, stdout } = run(project, "diff");
    expect([code, stdout]).toEqual([2, expect.stringMatching(/destroyed/)]);
    expect(stdout).toMatch(
      /Warning: staging: GitHub offers .* no environments, .*exists since an earlier deploy, and the next one deletes it\./,
    );
  } finally {
    project.remove();
  }
});

describe("tokens that an earlier version had made secrets of the repository", () => {
  const project = projectOf({ type: "User", plan: "pro" });
  afterAll(() => project.remove());

  test("leave it with the next deploy, and are the environment's from then on", () => {
    expect(run(project, "deploy", "--yes").code).toBe(0);
    // As that version wrote the file, and set the secrets.
    const file = join(project.directory, "secrets", "staging.json");
    const { environment, offer: _offer, ...rest } = project.json("secrets", "staging.json");
    const { sealed, digest } = rest.secrets.STAGING_PLAN_DIGITALOCEAN_TOKEN;
    rest.secrets.STAGING_DIGITALOCEAN_TOKEN = { sealed, digest };
    writeFileSync(file, JSON.stringify(rest));
    expect(environment.secrets.DIGITALOCEAN_TOKEN).toBeDefined();
    const { code, stdout } = run(project, "deploy", "--yes");
    expect([code, stdout]).toEqual([0, expect.stringContaining("Sealed for GitHub")]);
    const cloud = inGitHub(project);
    expect(Object.keys(cloud.github_actions_secret ?? {})).toEqual(["STAGING_PLAN_DIGITALOCEAN_TOKEN"]);
    expect(Object.keys(cloud.github_actions_environment_secret ?? {})).toContain(
      "staging:DIGITALOCEAN_TOKEN",
    );
    expect(run(project, "diff").code).toBe(0);
  });
});

test("a team as reviewer of a user's repository is refused by diff and deploy before anything is planned", () => {
  const project = projectOf({ type: "User", plan: "pro" });
  try {
    project.configure(({ environments: [staging] }) => {
      staging.reviewers = [`${OWNER}/platform`];
    });
    for (const command of [["diff"], ["deploy", "--yes"]]) {
      const { code, stdout, stderr } = run(project, ...command);
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(
          `environments[0].reviewers: "${OWNER}/platform": this is a team, and ${OWNER} is a user`,
        ),
      ]);
      expect(stdout + stderr).not.toContain("404");
    }
    expect(project.exists("state")).toBe(false);
  } finally {
    project.remove();
  }
});
