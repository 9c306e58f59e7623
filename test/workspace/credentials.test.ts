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
