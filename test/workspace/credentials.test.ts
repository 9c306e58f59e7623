import { missingCredentials } from "../../src/workspace";

test.each([
  [
    { GH_TOKEN: "gh" },
    /^GITHUB_TOKEN is not set \(GH_TOKEN is set, but only GITHUB_TOKEN is read\): a token as /,
  ],
  [{}, /^GITHUB_TOKEN is not set: a token as /],
])("a missing GITHUB_TOKEN is named, and GH_TOKEN is no replacement (%j)", (variables, line) => {
  expect(missingCredentials(undefined, { DIGITALOCEAN_TOKEN: "do", ...variables })).toEqual([
    expect.stringMatching(line),
  ]);
});

test.each([
  [undefined, "github.com"],
  ["https://git.acme.example/api/v3/", "git.acme.example"],
  ["https://api.acme.ghe.com/", "acme.ghe.com"],
  ["no address", "github.com"],
])("a missing GITHUB_TOKEN (GITHUB_BASE_URL %s) is made at the GitHub that is used", (value, host) => {
  const variables = { DIGITALOCEAN_TOKEN: "do", GITHUB_BASE_URL: value };
  expect(missingCredentials(undefined, variables)[0]).toContain(` from ${host}/settings/tokens, in .env`);
});
