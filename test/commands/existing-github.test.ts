import { join } from "node:path";
import { GitHubCloud } from "../../sandbox/providers/github/cloud";
import { SandboxProject } from "../support/sandbox-project";

/** Production only, with a repository whose environment somebody else has set up. */
const project = new SandboxProject((document) => {
  document.environments = [document.environments[1]];
  document.environments[0].reviewers = ["ada"];
});
afterAll(() => project.remove());

const gitHub = () => project.json("clouds", "github.json");
const REPOSITORY = "my-github-user/my-repository";
const edit = (change: (repository: Record<string, any>) => void): void => {
  const content = gitHub();
  change(content.repositories[REPOSITORY]);
  project.write(["clouds", "github.json"], JSON.stringify(content));
};
const ENVIRONMENT = { repository: "my-repository", environment: "production" };
const NOTE =
  /Note: GitHub has the environment production of my-github-user\/my-repository already, and the state does not\. A deploy overwrites in it: the variable DOMAIN: "other\.example" -> "acme\.example"; 1 reviewer removed \(user-42\); the wait timer: 30 -> 0 minutes\./;

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
  const before = gitHub();
  const diff = project.run("diff");
  expect([diff.code, diff.stdout]).toEqual([2, expect.stringMatching(NOTE)]);
  expect(gitHub()).toEqual(before);
  const deploy = project.run("deploy", "--yes");
  expect([deploy.code, deploy.stdout]).toEqual([0, expect.stringMatching(NOTE)]);
  const after = project.run("diff");
  expect([after.code, after.stdout]).toEqual([0, expect.not.stringContaining("Note:")]);
});

test("reviewers that were removed by hand are named, though the provider does not notice", () => {
  edit((repository) => {
    delete repository.github_repository_environment.production.reviewers;
  });
  const { code, stdout } = project.run("diff");
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(
      /Note: 1 required reviewer of the environment production in GitHub \(id \d+\) was removed by hand\..*Settings > Environments > production/,
    ),
  ]);
});
