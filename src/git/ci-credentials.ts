import { gitHubWeb } from "../api-client/addresses";

/** Answers a question of git for the name and password of a host. `store` and `erase` it leaves alone: nothing is kept. */
const HELPER =
  '!f() { test "$1" = get && printf "username=x-access-token\\npassword=%s\\n" "$GITHUB_TOKEN"; }; f';

/**
 * What git needs to fetch from GitHub in CI, where the checkout keeps no credentials: GITHUB_TOKEN as the password of that one host, for one
 * run of git, as configuration in the environment. On a person's machine git has its own credentials, and this adds nothing.
 * @throws Error with the reason and the fix when GITHUB_BASE_URL can't be used
 */
export function ciCredentials(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { CI, GITHUB_TOKEN, GITHUB_BASE_URL, GIT_CONFIG_COUNT } = environment;
  if (CI !== "true" || !GITHUB_TOKEN) return {};
  const before = Number(GIT_CONFIG_COUNT) || 0;
  const entries = [
    // Other helpers would be given the token to keep.
    ["credential.helper", ""],
    [`credential.${gitHubWeb({ GITHUB_BASE_URL })}.helper`, HELPER],
  ] as const;
  return {
    GIT_CONFIG_COUNT: String(before + entries.length),
    ...Object.fromEntries(
      entries.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${before + index}`, key],
        [`GIT_CONFIG_VALUE_${before + index}`, value],
      ]),
    ),
  };
}
