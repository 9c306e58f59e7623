import { gitHubApi, gitHubProviderAddress } from "../../src/api-client";

test.each([
  [undefined, "https://api.github.com/", "https://api.github.com/"],
  ["https://api.github.com", "https://api.github.com/", "https://api.github.com/"],
  ["https://git.acme.example", "https://git.acme.example/api/v3/", "https://git.acme.example/"],
  ["https://git.acme.example/", "https://git.acme.example/api/v3/", "https://git.acme.example/"],
  ["https://git.acme.example/api/v3", "https://git.acme.example/api/v3/", "https://git.acme.example/"],
  ["https://git.acme.example/api/v3/", "https://git.acme.example/api/v3/", "https://git.acme.example/"],
  ["https://github.com", "https://api.github.com/", "https://api.github.com/"],
  ["https://acme.ghe.com/", "https://api.acme.ghe.com/", "https://api.acme.ghe.com/"],
  ["http://git.acme.example:8080", "http://git.acme.example:8080/api/v3/", "http://git.acme.example:8080/"],
  ["https://api.acme.ghe.com/", "https://api.acme.ghe.com/", "https://api.acme.ghe.com/"],
])(
  "GITHUB_BASE_URL %s is one API for our calls, and one address for the provider",
  (value, api, provider) => {
    expect(gitHubApi({ GITHUB_BASE_URL: value })).toBe(api);
    expect(gitHubProviderAddress(value ?? "https://api.github.com/")).toBe(provider);
  },
);
