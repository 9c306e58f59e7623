import type { GitHubPlan } from "../../src/config";
import { fetchRepositoryOffer, leftOut, type RepositoryOffer } from "../../src/secrets/repository-offer";
import { Playground } from "../sandbox/terraform";

let playground: Playground;
beforeAll(async () => {
  playground = await Playground.start();
});
afterAll(() => playground.stop());

interface Account {
  readonly type: "User" | "Organization";
  readonly plan: string;
}

/** Asks the sandbox's GitHub about a repository of an owner. */
async function offerOf(
  account: Account,
  { isPrivate = true, owner = "acme", plan }: { isPrivate?: boolean; owner?: string; plan?: GitHubPlan } = {},
): Promise<RepositoryOffer> {
  const variables = { ...playground.sandbox.env, GITHUB_TOKEN: "token" };
  const ask = () => fetchRepositoryOffer({ owner, repository: "app", ...(plan ? { plan } : {}) }, variables);
  // Made by the first question.
  await ask();
  playground.edit("github.json", (content) => {
    content.accounts = { acme: account };
    content.repositories[`${owner}/app`].private = isPrivate;
  });
  return ask();
}

test.each<[string, Account, boolean, Partial<RepositoryOffer>]>([
  ["public, Free", { type: "User", plan: "free" }, false, { environments: true, protectionRules: true }],
  [
    "private, Free",
    { type: "User", plan: "free" },
    true,
    { plan: "free", environments: false, protectionRules: false },
  ],
  [
    "private, Pro",
    { type: "User", plan: "pro" },
    true,
    { plan: "pro", environments: true, protectionRules: false },
  ],
  [
    "private, Team",
    { type: "Organization", plan: "team" },
    true,
    { owner: "Organization", plan: "team", environments: true, protectionRules: false },
  ],
  [
    "private, Enterprise",
    { type: "Organization", plan: "enterprise" },
    true,
    { plan: "enterprise", environments: true, protectionRules: true },
  ],
])("what GitHub offers: %s", async (_, account, isPrivate, expected) => {
  expect(await offerOf(account, { isPrivate })).toMatchObject(expected);
});

test("a plan that the token may not read counts as one without protection rules, unless the configuration names it", async () => {
  // The token is of acme, which is a user: the plan of another user is theirs alone.
  const unknown = { type: "User", plan: "enterprise" } as const;
  playground.edit("github.json", (content) => {
    content.accounts = { acme: unknown, other: { type: "User", plan: "pro" } };
  });
  const variables = { ...playground.sandbox.env, GITHUB_TOKEN: "token" };
  const github = { owner: "other", repository: "app" };
  expect(await fetchRepositoryOffer(github, variables)).toEqual({
    owner: "User",
    visibility: "private",
    environments: true,
    protectionRules: false,
  });
  expect(await fetchRepositoryOffer({ ...github, plan: "enterprise" }, variables)).toMatchObject({
    plan: "enterprise",
    protectionRules: true,
  });
  // What GitHub has no environments for, it has none for, whoever asks.
  playground.edit("github.json", (content) => {
    content.accounts.other.plan = "free";
  });
  expect(await fetchRepositoryOffer(github, variables)).toMatchObject({ environments: false });
});

describe("what is left out is told with its reason", () => {
  const offer: RepositoryOffer = {
    owner: "User",
    visibility: "private",
    plan: "pro",
    environments: true,
    protectionRules: false,
  };
  const lines = (change: Partial<RepositoryOffer>, reviewers: readonly string[]) =>
    leftOut(
      { ...offer, ...change },
      { github: { owner: "acme", repository: "app" }, environment: { name: "production", reviewers } },
    );

  test("reviewers where the plan has none", () => {
    expect(lines({}, ["ada", "acme/platform"])).toEqual([
      expect.stringMatching(
        /^production: .*acme\/app no required reviewers.*plan is Pro\. Left out: ada, acme\/platform;.*Enterprise/,
      ),
    ]);
    expect(lines({ plan: undefined }, ["ada"])[0]).toContain("github.plan");
    expect(lines({}, [])).toEqual([]);
  });

  test("environments on Free", () => {
    expect(lines({ plan: "free", environments: false }, ["ada"])).toEqual([
      expect.stringMatching(/^production: .*no environments.*Free.*deploy tokens.*CI deploys nothing/),
    ]);
  });

  test("an organisation, which is never a reviewer", () => {
    const asked = { owner: "Organization", plan: "enterprise", protectionRules: true } as const;
    expect(lines(asked, ["ACME", "ada"])).toEqual([
      expect.stringMatching(/ACME is an organisation.*acme\/<team>/),
    ]);
    expect(lines({ ...asked, owner: "User" }, ["acme"])).toEqual([]);
  });
});
