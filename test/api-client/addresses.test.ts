import { gitHubApi, gitHubProviderAddress, gitHubWeb } from "../../src/api-client";
import { ciCredentials } from "../../src/git/ci-credentials";

test.each([
  [undefined, "https://api.github.com/", "https://api.github.com/"],
  ["https://api.github.com", "https://api.github.com/", "https://api.github.com/"],
  ["https://git.acme.example", "https://git.acme.example/api/v3/", "https://git.acme.example/"],
  ["https://git.acme.example/", "https://git.acme.example/api/v3/", "https://git.acme.example/"],
  ["https://git.acme.example/api/v3", "https://git.acme.example/api/v3/", "https://git.acme.example/"],
  ["https://git.acme.example/api/v3/", "https://git.acme.example/api/v3/", "https://git.acme.example/"],
  ["https://github.com", "https://api.github.com/", "https://api.github.com/"],
  ["https://acme.ghe.com/", "https://api.acme.ghe.com/", "https://api.acme.ghe.com/"],
  ["http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v3/", "http://127.0.0.1:8080/"],
  ["https://api.acme.ghe.com/", "https://api.acme.ghe.com/", "https://api.acme.ghe.com/"],
])(
  "GITHUB_BASE_URL %s is one API for our calls, and one address for the provider",
  (value, api, provider) => {
    expect(gitHubApi({ GITHUB_BASE_URL: value })).toBe(api);
    expect(gitHubProviderAddress(value ?? "https://api.github.com/")).toBe(provider);
  },
);

const NO_ADDRESS =
  "GITHUB_BASE_URL is not an http(s) address: write it as https://git.example.com/, or remove it for github.com";
test.each([
  ["git.acme.example", NO_ADDRESS],
  ["localhost:8080", NO_ADDRESS],
  ["ssh://git@git.acme.example", NO_ADDRESS],
  ["https://me:sentinel@git.acme.example/", NO_ADDRESS],
  ["https://", NO_ADDRESS],
  [
    "http://git.acme.example/",
    "GITHUB_BASE_URL begins with http: and would send GITHUB_TOKEN unencrypted: write it as https://git.example.com/, or remove it for github.com",
  ],
])("GITHUB_BASE_URL %s is refused with the reason and the fix, wherever it is read", (value, message) => {
  for (const read of [gitHubApi, gitHubWeb, ciCredentials])
    expect(() => read({ CI: "true", GITHUB_TOKEN: "gh", GITHUB_BASE_URL: value })).toThrow(
      new Error(message),
    );
  expect(() => gitHubProviderAddress(value)).toThrow(new Error(message));
});
