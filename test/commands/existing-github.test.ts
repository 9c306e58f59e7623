import { join } from "node:path";
import { GitHubCloud, idOf } from "../../sandbox/providers/github/cloud";
import { type CliResult, cli, SandboxProject } from "../support/sandbox-project";

/** Production only, with a repository whose environment somebody else has set up. */
const project = new SandboxProject((document) => {
  document.environments = [document.environments[1]];
  document.environments[0].reviewers = ["ada"];
});
afterAll(() => project.remove());

const gitHub = () => project.json("clouds", "github.json");
/** The sandbox makes an environment's key for sealing when it is asked for first; GitHub has it from the beginning. */
const withoutKeys = (content: any) => {
  delete content.repositories[REPOSITORY].environment_keys;
  return content;
};
const REPOSITORY = "my-github-user/my-repository";
const edit = (change: (repository: Record<string, any>) => void): void => {
  const content = gitHub();
  change(content.repositories[REPOSITORY]);
  project.write(["clouds", "github.json"], JSON.stringify(content));
};
const ENVIRONMENT = { repository: "my-repository", environment: "production" };
const NOTE =
  /Note: A deploy overwrites what the environment production of my-github-user\/my-repository has in GitHub already, and the state does not: the variable DOMAIN: "other\.example" -> "acme\.example"; 1 reviewer removed \(user-42\); the wait timer: 30 -> 0 minutes; the branches that may use it: every branch and every tag -> the one that Flux reads\./;

/** Runs a command with tokens that CI gets. */
const run = (command: string, ...args: string[]): CliResult =>
  cli([command, "--sandbox", project.name, ...args], {
    PRODUCTION_DIGITALOCEAN_TOKEN: "value-of-a-deploy-token",
    PRODUCTION_PLAN_DIGITALOCEAN_TOKEN: "value-of-a-plan-token",
    PRODUCTION_PLAN_GITHUB_TOKEN: "value-of-another",
  });

test("another's environment variable, reviewers and wait timer are shown in diff and deploy before they are overwritten", () => {
  new GitHubCloud(join(project.directory, "clouds")).repository("my-github-user", "my-repository");
  edit((repository) => {
    repository.private = false;
    repository.github_repository_environment = {
      production: { ...ENVIRONMENT, wait_timer: 30, reviewers: [{ users: [42] }] },
    };
    repository.github_actions_environment_variable = {
      "production:DOMAIN": { ...ENVIRONMENT, variable_name: "DOMAIN", value: "other.example" },
    };
  });
  const before = withoutKeys(gitHub());
  const diff = project.run("diff");
  expect([diff.code, diff.stdout]).toEqual([2, expect.stringMatching(NOTE)]);
  expect(diff.stdout).toMatch(/^ {8}reviewers: \+ ada$/m);
  expect(withoutKeys(gitHub())).toEqual(before);
  const deploy = project.run("deploy", "--yes");
  expect([deploy.code, deploy.stdout]).toEqual([0, expect.stringMatching(NOTE)]);
  const after = project.run("diff");
  expect([after.code, after.stdout]).toEqual([0, expect.not.stringContaining("Note:")]);
});

test("another's secrets of the repository, and of an environment that is deployed already, are shown by name before they are overwritten", () => {
  edit((repository) => {
    repository.github_actions_secret = {
      PRODUCTION_PLAN_DIGITALOCEAN_TOKEN: {
        repository: "my-repository",
        secret_name: "PRODUCTION_PLAN_DIGITALOCEAN_TOKEN",
        sealed_value: "value-of-theirs",
      },
    };
    repository.github_actions_environment_secret = {
      "production:DIGITALOCEAN_TOKEN": {
        ...ENVIRONMENT,
        secret_name: "DIGITALOCEAN_TOKEN",
        sealed_value: "value-of-theirs",
      },
    };
  });
  const expected = ["the environment production of my-github-user/my-repository: DIGITALOCEAN_TOKEN"];
  expected.push("my-github-user/my-repository: PRODUCTION_PLAN_DIGITALOCEAN_TOKEN");
  const shown = ({ stdout }: CliResult) =>
    [
      ...stdout.matchAll(
        /Note: A deploy overwrites what (.*) has in GitHub already, and the state does not: the secret (\w+)\.\n/g,
      ),
    ]
      .map(([, where, secret]) => `${where}: ${secret}`)
      .sort();
  for (const result of [run("diff"), run("deploy", "--yes")]) {
    expect([result.code, shown(result)]).toEqual([expect.any(Number), expected.sort()]);
    expect(result.stdout).not.toContain("value-of-");
  }
  const after = run("diff");
  expect([after.code, after.stdout]).toEqual([0, expect.not.stringContaining("overwrites")]);
});

test("reviewers that were removed by hand are named, though the provider does not notice", () => {
  edit((repository) => {
    delete repository.github_repository_environment.production.reviewers;
  });
  const { code, stdout } = run("diff");
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(
      /Note: 1 required reviewer of the environment production in GitHub \(ada\) was removed by hand\..*Settings > Environments > production/,
    ),
  ]);
});

test("who has to approve is shown by name, in the first plan and when it changes", () => {
  const write = (reviewers: string[]): void => {
    const document = project.json("infrastructure.config.json");
    document.environments[0].reviewers = reviewers;
    project.write(["infrastructure.config.json"], JSON.stringify(document));
  };
  const shown = (): string => /^ +reviewers: .*$/m.exec(run("diff").stdout)?.[0].trim() ?? "";
  edit((repository) => {
    repository.github_repository_environment.production.reviewers = [{ users: [idOf("ada")] }];
  });
  write(["bob", "ada"]);
  expect(shown()).toBe("reviewers: + bob; ada stays");
  write(["bob"]);
  expect(shown()).toBe("reviewers: + bob, - ada");
  write([]);
  expect(shown()).toBe("reviewers: - ada");
});
