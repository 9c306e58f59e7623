import { build, find, LoopbackApi, TemporaryProject } from "./project";

const DIGITALOCEAN_TOKEN = "dop_v1_5ecretDigitalOcean";
const GITHUB_TOKEN = "ghp_5ecretGitHub";
const CLASSIC = { "X-OAuth-Scopes": "repo, workflow" };
/** What a token with custom scopes doesn't read. */
const UNNEEDED = ["apps", "databases"];
const GITHUB = { owner: "acme", repository: "shop" };

let api: LoopbackApi;
let project: TemporaryProject;
beforeAll(async () => {
  api = await LoopbackApi.start();
});
afterAll(() => api.stop());
beforeEach(() => {
  api.reset();
  project = new TemporaryProject();
  project.configure();
});
afterEach(() => project.dispose());

/** A .env whose tokens are asked about at the loopback API. */
function writeDotenv(tokens: Readonly<Record<string, string>>): void {
  const values = { DIGITALOCEAN_API_URL: api.url, GITHUB_BASE_URL: `${api.url}/`, ...tokens };
  project.write(
    ".env",
    Object.entries(values)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
    0o600,
  );
}

describe("the credentials that setup.sh asks for", () => {
  it("are only those that the configuration needs", async () => {
    const report = await project.report();
    expect(find(report, "digitalocean-token")).toMatchObject({
      status: "missing",
      message: "DIGITALOCEAN_TOKEN is not set",
      fix: expect.stringContaining("cloud.digitalocean.com/account/api/tokens"),
    });
    expect(find(report, "github-token").status).toBe("ok");
    expect(report.findings.filter(({ check }) => check.startsWith("spaces"))).toStrictEqual([]);
  });

  it("include GitHub's with a github section, and the bucket's with a shared state", async () => {
    project.configure({ github: GITHUB, state: { backend: "spaces", bucket: "state", region: "nyc3" } });
    const report = await project.report();
    expect(find(report, "github-token")).toMatchObject({
      status: "missing",
      message: "GITHUB_TOKEN is not set",
    });
    const enterprise = { GITHUB_BASE_URL: "https://git.acme.example/api/v3/" };
    expect(find(await project.report([], { env: enterprise }), "github-token").fix).toContain(
      " at git.acme.example/settings/tokens ",
    );
    expect(find(await project.report([], { env: { GH_TOKEN: "gh" } }), "github-token").message).toBe(
      "GITHUB_TOKEN is not set (GH_TOKEN is set, but only GITHUB_TOKEN is read)",
    );
    expect(report.findings.filter(({ message }) => /^SPACES_/.test(message))).toMatchObject([
      { check: "spaces-key", message: "SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY are not set" },
    ]);
  });

  it("name the half of the bucket's key that is missing", async () => {
    project.configure({ state: { backend: "spaces", bucket: "state", region: "nyc3" } });
    project.write(".env", "SPACES_ACCESS_KEY_ID=DO00KEY\n", 0o600);
    const report = await project.report();
    expect(find(report, "spaces-key").message).toBe("SPACES_ACCESS_KEY_ID is set");
    expect(find(report, "spaces-secret")).toMatchObject({
      status: "missing",
      message: "SPACES_SECRET_ACCESS_KEY is not set",
    });
  });

  it("may have the names that other tools use", async () => {
    project.configure({ state: { backend: "spaces", bucket: "state", region: "nyc3" } });
    const env = { AWS_ACCESS_KEY_ID: "DO00KEY", AWS_SECRET_ACCESS_KEY: "a/b+c=" };
    const report = await project.report([], { env });
    expect(find(report, "spaces-key")).toMatchObject({ status: "ok", message: "AWS_ACCESS_KEY_ID is set" });
    expect(find(report, "spaces-secret")).toMatchObject({
      status: "ok",
      message: "AWS_SECRET_ACCESS_KEY is set",
    });
  });

  it.each([
    ['dop_v1 "x', "U+0020 SPACE (character 7)"],
    ["dop\nurl = http://127.0.0.1:1", "U+000A LINE FEED (character 4)"],
    ["dop'x", "' (character 4)"],
    ["dop\\x", "\\ (character 4)"],
    ["dop_v1_ä", "U+00E4 (character 8)"],
    ["dop_v1_\u00a0", "U+00A0 NO-BREAK SPACE (character 8)"],
    ["dop\u200b_v1", "U+200B ZERO WIDTH SPACE (character 4)"],
  ])(
    "can't have a character that no token has, which is named with its place: %j",
    async (token, character) => {
      const report = await project.report([], {
        env: { DIGITALOCEAN_TOKEN: token, DIGITALOCEAN_API_URL: api.url },
      });
      expect(find(report, "digitalocean-token")).toMatchObject({
        status: "missing",
        message: `DIGITALOCEAN_TOKEN has a character that no token has: ${character}`,
      });
      expect(api.requests).toStrictEqual([]);
      expect(report.stdout).not.toContain("dop");
    },
  );

  it("may be needed or not as long as the configuration can't be read", async () => {
    project.write("infrastructure.config.json", "{");
    expect(find(await project.report(), "github-token").status).toBe("unchecked");
  });
});

describe("DIGITALOCEAN_TOKEN", () => {
  beforeEach(() => {
    writeDotenv({ DIGITALOCEAN_TOKEN });
    // A token with custom scopes.
    for (const resource of UNNEEDED) api.answer(`/v2/${resource}?per_page=1`, { status: 403 });
  });

  it("is asked about with the token itself, at the account and at each resource", async () => {
    const report = await project.report();
    expect(find(report, "digitalocean-token").status).toBe("ok");
    expect(report.code).toBe(0);
    expect(new Set(api.requests.map(({ url }) => url))).toStrictEqual(
      new Set([
        "/v2/account",
        "/v2/kubernetes/clusters?per_page=1",
        "/v2/vpcs?per_page=1",
        "/v2/projects?per_page=1",
        "/v2/domains?per_page=1",
        "/v2/apps?per_page=1",
        "/v2/droplets?per_page=1",
        "/v2/kubernetes/clusters?per_page=200",
      ]),
    );
    expect(report.findings.filter(({ check }) => check === "digitalocean-scopes")).toStrictEqual([]);
    expect(new Set(api.requests.map(({ authorization }) => authorization))).toStrictEqual(
      new Set([`Bearer ${DIGITALOCEAN_TOKEN}`]),
    );
  });

  it("with full access works, with a warning", async () => {
    for (const resource of UNNEEDED) api.answer(`/v2/${resource}?per_page=1`, { status: 200 });
    const report = await project.report();
    expect(find(report, "digitalocean-scopes")).toStrictEqual({
      check: "digitalocean-scopes",
      status: "warning",
      message:
        "DIGITALOCEAN_TOKEN may do more than is needed: it also reads app, database, as a token with full access does",
      fix: "make one with the custom scopes in docs/credentials.md instead",
    });
    expect([find(report, "digitalocean-token").status, report.ready]).toEqual(["ok", true]);
  });

  it("needs the scope for keys of Spaces when the state is in a bucket, and only then", async () => {
    project.configure({ state: { backend: "spaces", bucket: "state", region: "nyc3" } });
    writeDotenv({ DIGITALOCEAN_TOKEN, SPACES_ACCESS_KEY_ID: "DO00KEY", SPACES_SECRET_ACCESS_KEY: "a/b" });
    api.answer("/v2/spaces/keys?per_page=1", { status: 403 });
    expect(find(await project.report(), "digitalocean-token").message).toBe(
      "DIGITALOCEAN_TOKEN lacks access to: spaces_key",
    );
  });

  it("in the environment wins over .env", async () => {
    await project.report([], { env: { DIGITALOCEAN_TOKEN: "dop_v1_other" } });
    expect(api.requests[0]?.authorization).toBe("Bearer dop_v1_other");
  });

  it("is missing when DigitalOcean doesn't know it", async () => {
    api.answer("/v2/account", { status: 401 });
    const report = await project.report();
    expect(find(report, "digitalocean-token")).toMatchObject({
      status: "missing",
      message: "DIGITALOCEAN_TOKEN is not valid (expired, revoked or mistyped)",
    });
    expect(report.code).toBe(1);
  });

  it("lacks the scopes whose resources are refused, named all at once", async () => {
    api.answer("/v2/account", { status: 403 });
    api.answer("/v2/vpcs?per_page=1", { status: 403 });
    api.answer("/v2/domains?per_page=1", { status: 403 });
    expect(find(await project.report(), "digitalocean-token")).toMatchObject({
      status: "missing",
      message: "DIGITALOCEAN_TOKEN lacks access to: vpc, domain",
    });
  });

  it.each([
    ["an outage", { status: 503, headers: { "retry-after": "0" } }, "it has a problem of its own (503)"],
    ["too many requests", { status: 429, headers: { "retry-after": "0" } }, "too many requests (429)"],
    [
      "a redirect",
      { status: 302, headers: { location: "http://127.0.0.1:1/" } },
      "DigitalOcean answered 302",
    ],
  ])("is not checked, and not failed, after %s", async (_, answer, message) => {
    api.answer("/v2/account", answer);
    const report = await project.report();
    expect(find(report, "digitalocean-token")).toMatchObject({
      status: "unchecked",
      message: expect.stringContaining(message),
    });
    expect(report.code).toBe(0);
  });

  it("is not checked, and not failed, without a network", async () => {
    const report = await project.report([], { env: { DIGITALOCEAN_API_URL: "http://127.0.0.1:1" } });
    expect(find(report, "digitalocean-token")).toMatchObject({
      status: "unchecked",
      message: "DIGITALOCEAN_TOKEN is set but not checked: DigitalOcean: no connection",
    });
    expect(report.code).toBe(0);
  });

  it("is not sent to something that is no address", async () => {
    const report = await project.report([], { env: { DIGITALOCEAN_API_URL: 'file:///etc/passwd"' } });
    expect(find(report, "digitalocean-url").status).toBe("missing");
  });
});

describe("GITHUB_TOKEN", () => {
  beforeEach(() => {
    project.configure({ github: GITHUB });
    writeDotenv({ DIGITALOCEAN_TOKEN, GITHUB_TOKEN });
    api.answer("/user", { status: 200, headers: CLASSIC });
    api.answer("/repos/acme/shop", {
      status: 200,
      body: '{"owner":{"site_admin":true},"permissions":{"admin":true}}',
    });
  });

  it("is fine with its scopes and an administered repository", async () => {
    const report = await project.report();
    expect(find(report, "github-token").message).toBe(
      "GITHUB_TOKEN is valid and has the scopes repo and workflow",
    );
    expect(find(report, "github-repository")).toMatchObject({ status: "ok" });
    expect(report.code).toBe(0);
  });

  it.each([
    ["", "repo, workflow"],
    ["repo", "workflow"],
    ["workflow, public_repo, repo:status", "repo"],
    ["gist, repo_deployment, workflows", "repo, workflow"],
  ])("with the scopes %j lacks %s", async (scopes, lacks) => {
    api.answer("/user", { status: 200, headers: { "x-oauth-scopes": scopes } });
    expect(find(await project.report(), "github-token")).toMatchObject({
      status: "missing",
      message: `GITHUB_TOKEN lacks the scope: ${lacks}`,
    });
  });

  it("with scopes that nothing needs is warned of", async () => {
    api.answer("/user", {
      status: 200,
      headers: { "X-OAuth-Scopes": "repo, delete_repo, workflow, read:org, admin:org" },
    });
    const report = await project.report();
    expect(find(report, "github-scopes")).toMatchObject({
      status: "warning",
      message: "GITHUB_TOKEN has scopes that nothing here needs: delete_repo, admin:org",
    });
    expect([find(report, "github-token").status, report.ready]).toEqual(["ok", true]);
  });

  /** As GitHub writes it: `2026-12-24 18:00:00 UTC`. */
  const inDays = (days: number): string =>
    `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)} 18:00:00 UTC`;

  it.each([0, 1, 14])("that ends in %i days is warned of", async (days) => {
    const headers = { ...CLASSIC, "GitHub-Authentication-Token-Expiration": inDays(days) };
    api.answer("/user", { status: 200, headers });
    const report = await project.report();
    expect(find(report, "github-expiry")).toMatchObject({
      status: "warning",
      message: `GITHUB_TOKEN ends on ${inDays(days).slice(0, 10)}, in ${days} days`,
    });
    expect(report.ready).toBe(true);
  });

  it.each([
    ["in 15 days", inDays(15)],
    ["in a year", inDays(366)],
    ["at a time that is none", "soon"],
  ])("that ends %s is not", async (_, expiry) => {
    const headers = { ...CLASSIC, "GitHub-Authentication-Token-Expiration": expiry };
    api.answer("/user", { status: 200, headers });
    expect((await project.report()).findings.map(({ check }) => check)).not.toContain("github-expiry");
  });

  it("gets its scopes from headers, not from the body", async () => {
    api.answer("/user", { status: 200, body: "\r\n\r\nX-OAuth-Scopes: repo, workflow\r\n" });
    expect(find(await project.report(), "github-token").message).toContain(
      "GITHUB_TOKEN is valid and reaches acme/shop",
    );
  });

  it("is missing when GitHub doesn't know it", async () => {
    api.answer("/user", { status: 401 });
    expect(find(await project.report(), "github-token")).toMatchObject({
      status: "missing",
      message: expect.stringContaining("is not valid"),
    });
  });

  it("is not checked when its rate limit is used up", async () => {
    api.answer("/user", { status: 403, headers: { "x-ratelimit-remaining": "0", "retry-after": "0" } });
    expect(find(await project.report(), "github-token")).toMatchObject({ status: "unchecked" });
  });

  it.each([
    [
      "is gone",
      { status: 404 },
      "acme/shop doesn't exist, or GITHUB_TOKEN doesn't see it",
      "/new, give the token access to it",
    ],
    ["has moved", { status: 301 }, "acme/shop has moved", "put its new name"],
    [
      "refuses it",
      { status: 403 },
      "GITHUB_TOKEN is refused by acme/shop",
      "may use the repositories of acme",
    ],
    [
      "wants single sign-on",
      { status: 403, headers: { "X-GitHub-SSO": "required; url=x" } },
      "refused by acme/shop",
      "single sign-on of acme",
    ],
    [
      "is administered by others",
      { status: 200, body: '{"owner":{"site_admin":true},"permissions":{"admin":false}}' },
      "you don't administer acme/shop",
      "role Admin",
    ],
  ])("is not enough when the repository %s", async (_, answer, message, fix) => {
    api.answer("/repos/acme/shop", answer);
    expect(find(await project.report(), "github-repository")).toMatchObject({
      status: "missing",
      message: expect.stringContaining(message),
      fix: expect.stringContaining(fix),
    });
  });

  it("is told the new name of a repository that has moved", async () => {
    const location = `${api.url}/repositories/7`;
    api.answer("/repos/acme/shop", { status: 301, headers: { location } });
    api.answer("/repositories/7", { status: 200, body: '{"full_name":"other/store"}' });
    expect(find(await project.report(), "github-repository").message).toBe(
      "acme/shop has moved to other/store",
    );
  });

  it("of the fine-grained kind is tried on the repository, every lack named at once", async () => {
    api.answer("/user", { status: 200 });
    api.answer("/repos/acme/shop/actions/secrets/public-key", { status: 403 });
    api.answer("/repos/acme/shop/hooks?per_page=1", { status: 403 });
    expect(find(await project.report(), "github-token")).toMatchObject({
      status: "missing",
      message: "GITHUB_TOKEN lacks permissions on acme/shop: Secrets, Webhooks",
    });
    api.reset();
    const report = await project.report();
    expect(find(report, "github-token")).toMatchObject({ status: "ok" });
    expect(report.code).toBe(0);
  });
});

describe("the tokens", () => {
  it("are in no output and in no program's arguments, not even in a trace", async () => {
    project.dispose();
    build();
    project = new TemporaryProject({ logged: true }).withCommand();
    project.configure({ github: GITHUB, state: { backend: "spaces", bucket: "state", region: "nyc3" } });
    const secrets = {
      DIGITALOCEAN_TOKEN,
      GITHUB_TOKEN,
      SPACES_ACCESS_KEY_ID: "DO005ecretKey",
      SPACES_SECRET_ACCESS_KEY: "5ecretOfTheKey",
    };
    writeDotenv(secrets);
    for (const status of [200, 401, 403, 500]) {
      const headers = { ...CLASSIC, "retry-after": "0" };
      api.answer("/v2/account", { status, body: JSON.stringify(secrets), headers });
      api.answer("/user", { status, body: JSON.stringify(secrets), headers });
      const runs = [
        await project.run([]),
        await project.run(["--json"]),
        await project.run(["--check"], { shell: ["/bin/sh", "-x"] }),
        await project.run([], {
          env: { ...secrets, DIGITALOCEAN_API_URL: api.url, GITHUB_BASE_URL: api.url },
        }),
      ];
      for (const { stdout, stderr } of runs) expect(stdout + stderr).not.toMatch(/5ecret/);
    }
    expect(
      api.requests.filter(({ authorization }) => authorization?.includes("5ecret")).length,
    ).toBeGreaterThan(30);
    expect(project.arguments()).toContain("node scripts/hybrid-gitops.mjs setup --json");
    expect(project.arguments()).not.toMatch(/5ecret/);
  });
});
