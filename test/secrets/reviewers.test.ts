import { fetchRepositoryOffer } from "../../src/secrets/repository-offer";
import { reviewerProblems } from "../../src/secrets/reviewers";
import { Playground } from "../sandbox/terraform";

const github = { owner: "acme", repository: "app" };
const REPOSITORY = "acme/app";

let playground: Playground;
beforeAll(async () => {
  playground = await Playground.start();
});
afterAll(() => playground.stop());

/** Asks the sandbox's GitHub about one reviewer of a repository. */
async function problemsOf(
  reviewer: string,
  {
    type = "Organization",
    plan = "enterprise",
    isPrivate = true,
    none = [],
    outsiders = [],
  }: {
    readonly type?: "User" | "Organization";
    readonly plan?: string;
    readonly isPrivate?: boolean;
    /** Accounts and teams that GitHub doesn't have. */
    readonly none?: readonly string[];
    readonly outsiders?: readonly string[];
  } = {},
): Promise<string[]> {
  const variables = { ...playground.sandbox.env, GITHUB_TOKEN: "token" };
  // Made by the first question.
  await fetchRepositoryOffer(github, variables);
  playground.edit("github.json", (content) => {
    content.accounts = {
      acme: { type, plan },
      ada: { type: "User", plan: "free" },
      other: { type: "Organization", plan: "free" },
      ...Object.fromEntries(none.map((name) => [name, null])),
    };
    Object.assign(content.repositories[REPOSITORY], { private: isPrivate, outsiders });
  });
  const offer = await fetchRepositoryOffer(github, variables);
  const environment = { name: "production", reviewers: [reviewer] };
  return reviewerProblems({ github, environment, offer }, "environments[1].reviewers", variables);
}

test.each<[string, string, Parameters<typeof problemsOf>[1], RegExp]>([
  [
    "a team, where the owner is a user",
    "acme/platform",
    { type: "User" },
    /this is a team, and acme is a user: only organisations have teams\. Name users, such as "acme"\.$/,
  ],
  [
    "a team, where the owner is a user whose plan has no reviewers",
    "acme/platform",
    { type: "User", plan: "pro" },
    /only organisations have teams/,
  ],
  ["a user who doesn't exist", "nobody", { none: ["nobody"] }, /GitHub has no user of this name\./],
  ["an organisation", "other", {}, /other is an organisation, and GitHub asks only users and teams\./],
  [
    "a user without access",
    "ada",
    { outsiders: ["ada"] },
    /this user has no access to acme\/app\. Invite them/,
  ],
  [
    "a team that doesn't exist",
    "acme/platform",
    { none: ["acme/platform"] },
    /no team "platform" in acme, or GITHUB_TOKEN does not see it\..*read:org/,
  ],
  [
    "a team without access",
    "acme/platform",
    { outsiders: ["acme/platform"] },
    /this team has no access to acme\/app/,
  ],
])("%s is named with location, reason and fix", async (_, reviewer, circumstances, problem) => {
  const problems = await problemsOf(reviewer, circumstances);
  expect(problems).toEqual([expect.stringMatching(problem)]);
  expect(problems[0]).toContain(`environments[1].reviewers: "${reviewer}": `);
});

test.each<[string, string, Parameters<typeof problemsOf>[1]]>([
  ["a user", "ada", {}],
  ["a team of the organisation", "acme/platform", {}],
  ["the organisation itself, which is left out with a warning", "acme", {}],
  [
    "a user in a public repository, which everybody can read",
    "ada",
    { isPrivate: false, outsiders: ["ada"] },
  ],
  ["a user, where the plan has no reviewers", "ada", { type: "User", plan: "pro", outsiders: ["ada"] }],
])("%s is no problem", async (_, reviewer, circumstances) => {
  expect(await problemsOf(reviewer, circumstances)).toEqual([]);
});
