import { NameServer } from "../support/name-server";
import { find, LoopbackApi, type Report, TemporaryProject } from "./project";

const DEPLOY = { DIGITALOCEAN_TOKEN: "dop_v1_deploy", GITHUB_TOKEN: "github_pat_deploy" };

let api: LoopbackApi;
let names: NameServer;
let project: TemporaryProject;
beforeAll(async () => {
  api = await LoopbackApi.start();
  names = await NameServer.start({
    "shop.example": [1, 2, 3].map((number) => `NS${number}.digitalocean.com`),
    "moved.example": ["ns1.digitalocean.com", "a.registrar.example"],
    "below.shop.example": [],
    "failing.example": 2,
    "refused.example": 5,
    "digitalocean.com": ["ns1.digitalocean.com"],
  });
});
afterAll(async () => {
  await api.stop();
  await names.stop();
});
beforeEach(() => {
  api.reset();
  project = new TemporaryProject();
  project.nameServer = names.address;
  project.configure();
});
afterEach(() => project.dispose());

const environment = (name: string, nodeCount: number, more = {}) => ({
  name,
  cluster: { region: "nyc3", nodeSize: "s-2vcpu-4gb", nodeCount, ...more },
});

/** The findings with some variables in .env. */
async function reportWith(variables: Readonly<Record<string, string>>): Promise<Report> {
  const all = { DIGITALOCEAN_API_URL: api.url, GITHUB_BASE_URL: `${api.url}/`, ...variables };
  const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`);
  project.write(".env", lines.join(""), 0o600);
  return project.report();
}

const checks = ({ findings }: Report): string[] => findings.map(({ check }) => check);

test.each([
  ["git.acme.example", "GITHUB_BASE_URL is not an http(s) address"],
  ["http://git.acme.example/", "GITHUB_BASE_URL begins with http: and would send GITHUB_TOKEN unencrypted"],
])(
  "GITHUB_BASE_URL %s is refused as the commands refuse it, before the token is sent",
  async (url, problem) => {
    project.configure({ github: { owner: "acme", repository: "shop" } });
    const { findings } = await reportWith({ GITHUB_BASE_URL: url, GITHUB_TOKEN: "ghp_sentinel" });
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: "github-url",
        status: "missing",
        message: problem,
        fix: "write it as https://git.example.com/, or remove it for github.com",
      }),
    );
  },
);

describe("the account's limit of Droplets", () => {
  /** 5 nodes of staging run, and so many other Droplets. */
  function answers(limit: number | undefined, others: number): void {
    api.answer("/v2/account", { status: 200, body: JSON.stringify({ account: { droplet_limit: limit } }) });
    api.answer("/v2/droplets?per_page=1", { status: 200, body: `{"meta":{"total":${5 + others}}}` });
    const clusters = [{ name: "shop-staging", node_pools: [{ count: 1 }, { count: 4 }] }];
    api.answer("/v2/kubernetes/clusters?per_page=200", {
      status: 200,
      body: JSON.stringify({ kubernetes_clusters: clusters }),
    });
  }
  beforeEach(() =>
    project.configure({
      environments: [
        environment("staging", 4, { pools: [{ name: "gpu", nodeSize: "s-4vcpu-8gb", nodeCount: 1 }] }),
        environment("production", 3, { minNodes: 3, maxNodes: 6 }),
      ],
    }),
  );

  // 4 + 1 + 3 nodes and two system pools: 10; at most 13, and 6 more while the largest pool changes.
  it.each([
    [9, 0, "missing", "the account allows 9 Droplets, and this needs 10 Droplets for the nodes of all"],
    [
      12,
      3,
      "missing",
      "this needs 13 Droplets for the nodes of all environments (10, system pools included) and 3 other",
    ],
    [
      13,
      3,
      "warning",
      "too few for a change of a node size, which puts a new pool beside the old one: 22 (3 others, 13 nodes at most, 6 of the new pool)",
    ],
    [21, 3, "warning", "the account allows 21 Droplets. Enough for a deploy"],
    [22, 3, "ok", "the account allows 22 Droplets, of which this needs 22 at most"],
  ])("of %i with %i others is %s", async (limit, others, status, message) => {
    answers(limit, others);
    const finding = find(await reportWith(DEPLOY), "droplet-limit");
    expect(finding).toMatchObject({ status, message: expect.stringContaining(message) });
    if (status !== "ok")
      expect(finding.fix).toContain(`ask DigitalOcean for a limit of at least ${others + 19} Droplets`);
  });

  it("is unchecked where the token may not read it, and other Droplets may stay uncounted", async () => {
    answers(undefined, 0);
    expect(find(await reportWith(DEPLOY), "droplet-limit").status).toBe("unchecked");
    answers(9, 3);
    api.answer("/v2/droplets?per_page=1", { status: 403 });
    expect(find(await reportWith(DEPLOY), "droplet-limit").message).toContain(
      "0 other nodes of the account (other Droplets are not counted: scope droplet:read)",
    );
  });
});

describe("the configured IP ranges", () => {
  const json = (value: unknown) => ({ status: 200, body: JSON.stringify(value) });
  beforeEach(() => {
    project.configure({ environments: [environment("staging", 3, { vpcIpRange: "10.20.0.0/16" })] });
    api.answer("/v2/kubernetes/clusters?per_page=200", json({ kubernetes_clusters: [] }));
  });

  it("that overlap another network of the account are found before a deploy", async () => {
    const vpcs = [
      { name: "shop-staging", ip_range: "10.20.0.0/16" },
      { name: "legacy", ip_range: "10.20.8.0/24" },
    ];
    api.answer("/v2/vpcs?per_page=200", json({ vpcs }));
    const report = await reportWith(DEPLOY);
    expect(report.findings.filter(({ check }) => check === "vpc-ranges")).toStrictEqual([
      {
        check: "vpc-ranges",
        status: "missing",
        message:
          "environments[0].cluster.vpcIpRange: 10.20.0.0/16 overlaps 10.20.8.0/24 of the VPC legacy in this DigitalOcean account, which refuses that",
        fix: "Choose another range, or leave it out: DigitalOcean then chooses a free one.",
      },
    ]);
    expect(report.ready).toBe(false);
  });

  it("that overlap nothing are fine; what can't be read is unchecked, and without a range nothing is asked", async () => {
    api.answer("/v2/vpcs?per_page=200", json({ vpcs: [{ name: "shop-staging", ip_range: "10.20.0.0/16" }] }));
    expect(find(await reportWith(DEPLOY), "vpc-ranges").status).toBe("ok");
    api.answer("/v2/vpcs?per_page=200", { status: 404 });
    expect(find(await reportWith(DEPLOY), "vpc-ranges").status).toBe("unchecked");
    project.configure();
    expect(checks(await reportWith(DEPLOY))).not.toContain("vpc-ranges");
  });
});

describe("the name servers of the domain", () => {
  it.each([
    ["shop.example", "ok", "shop.example has the name servers of DigitalOcean"],
    ["moved.example", "warning", "moved.example has the name servers a.registrar.example:"],
    ["nobody.example", "warning", "nobody.example has no name servers"],
    ["below.shop.example", "warning", "below.shop.example has no name servers"],
    [
      "failing.example",
      "unchecked",
      "failing.example are not checked: the name server of this machine could not find it out (SERVFAIL)",
    ],
    [
      "refused.example",
      "unchecked",
      "refused.example are not checked: the name server of this machine refuses the question (REFUSED)",
    ],
  ])("of %s: %s", async (domain, status, message) => {
    project.configure({ project: { name: "shop", domain, email: "it@shop.example" } });
    const finding = find(await project.report(), "name-servers");
    expect(finding).toMatchObject({ status, message: expect.stringContaining(message) });
    if (status === "warning")
      expect(finding.fix).toContain("ns1.digitalocean.com, ns2.digitalocean.com, ns3.digitalocean.com");
  });

  it("are unchecked without a network", async () => {
    project.nameServer = "127.0.0.1:9";
    expect(find(await project.report(), "name-servers")).toMatchObject({
      status: "unchecked",
      // Older versions of Node wait for a refused connection.
      message: expect.stringMatching(
        /^the name servers of shop\.example are not checked: (?:no name server of this machine can be reached; is there a network\?|the name server of this machine does not answer in time)$/,
      ),
    });
  });

  it("are unchecked where the name server finds no domain at all, as in a network that lets nobody out", async () => {
    const closed = await NameServer.start({});
    project.nameServer = closed.address;
    const finding = find(await project.report(), "name-servers");
    await closed.stop();
    expect(finding).toMatchObject({
      status: "unchecked",
      message: expect.stringContaining("finds no domain, not even digitalocean.com"),
    });
  });
});

describe("what GitHub's plan offers", () => {
  const github = { owner: "acme", repository: "shop", reviewers: ["ada"] };
  beforeEach(() => {
    project.configure({ github, environments: [environment("production", 3)] });
    api.answer("/user", { status: 200, body: '{"login":"acme","plan":{"name":"pro"}}' });
  });
  const repository = (visibility: string) =>
    api.answer("/repos/acme/shop", {
      status: 200,
      body: JSON.stringify({ private: visibility === "private", visibility, owner: { type: "User" } }),
    });

  it("is all for a public repository", async () => {
    repository("public");
    expect(find(await reportWith(DEPLOY), "github-plan").status).toBe("ok");
  });

  it("is no reviewers for a private one without Enterprise, and no environments on Free: a warning before the deploy", async () => {
    repository("private");
    const report = await reportWith(DEPLOY);
    expect(find(report, "github-plan")).toMatchObject({
      status: "warning",
      message: expect.stringContaining("production: GitHub offers acme/shop no required reviewers"),
    });
    api.answer("/user", { status: 200, body: '{"login":"acme","plan":{"name":"free"}}' });
    const free = find(await reportWith(DEPLOY), "github-plan");
    expect(free).toMatchObject({
      status: "warning",
      message: expect.stringContaining("production: GitHub offers acme/shop no environments"),
    });
    expect(report.ready).toBe(true);
  });
});

describe("the tokens that plans read with", () => {
  beforeEach(() => project.configure({ github: { owner: "acme", repository: "shop" } }));

  it("are named where they are missing, and only with a repository at GitHub", async () => {
    expect(find(await reportWith(DEPLOY), "plan-tokens")).toMatchObject({
      status: "warning",
      message: "pull requests get no plan: PLAN_DIGITALOCEAN_TOKEN, PLAN_GITHUB_TOKEN are not set",
    });
    project.configure();
    expect(checks(await reportWith(DEPLOY))).not.toContain("plan-tokens");
  });

  it("may be an environment's own, and are checked as deploy tokens are", async () => {
    api.answer("/v2/vpcs?per_page=1", { status: 403 });
    const report = await reportWith({
      ...DEPLOY,
      STAGING_PLAN_DIGITALOCEAN_TOKEN: "dop_v1_plan",
      PLAN_GITHUB_TOKEN: "github_pat_plan",
    });
    expect(checks(report)).not.toContain("plan-tokens");
    expect(find(report, "staging-plan-digitalocean-token")).toMatchObject({
      status: "missing",
      message: "STAGING_PLAN_DIGITALOCEAN_TOKEN lacks access to: vpc",
    });
    expect(find(report, "plan-github-token")).toMatchObject({
      status: "ok",
      message: expect.stringContaining("PLAN_GITHUB_TOKEN is valid and reads acme/shop"),
    });
    const asked = new Set(api.requests.map(({ authorization }) => authorization));
    expect(asked).toContain("Bearer dop_v1_plan");
    expect(asked).toContain("Bearer github_pat_plan");
  });

  it("must not be those of the deployment, and no classic ones", async () => {
    const report = await reportWith({
      ...DEPLOY,
      PLAN_DIGITALOCEAN_TOKEN: DEPLOY.DIGITALOCEAN_TOKEN,
      PLAN_GITHUB_TOKEN: "ghp_classic0",
    });
    expect(find(report, "plan-digitalocean-token")).toMatchObject({
      status: "missing",
      message: expect.stringContaining("PLAN_DIGITALOCEAN_TOKEN is the same token as DIGITALOCEAN_TOKEN"),
    });
    api.answer("/user", { status: 200, headers: { "x-oauth-scopes": "repo" } });
    expect(
      find(await reportWith({ ...DEPLOY, PLAN_GITHUB_TOKEN: "ghp_classic0" }), "plan-github-scopes"),
    ).toMatchObject({
      status: "warning",
      message: expect.stringContaining("PLAN_GITHUB_TOKEN is a classic token (repo)"),
    });
  });

  it("include a key of the bucket, which must not be the one that writes", async () => {
    project.configure({
      github: { owner: "acme", repository: "shop" },
      state: { backend: "spaces", bucket: "acme-state", region: "nyc3" },
    });
    const key = { SPACES_ACCESS_KEY_ID: "DO00KEY", SPACES_SECRET_ACCESS_KEY: "secret-of-it" };
    const report = await reportWith({ ...DEPLOY, ...key, PLAN_SPACES_ACCESS_KEY_ID: "DO00KEY" });
    expect(find(report, "plan-tokens").message).toContain("PLAN_SPACES_SECRET_ACCESS_KEY are not set");
    expect(find(report, "plan-spaces-access-key-id").message).toContain(
      "is the same as SPACES_ACCESS_KEY_ID",
    );
  });
});

describe("the tokens that the cluster gets", () => {
  it("are reported as long as they are the deployment's, with their own variables", async () => {
    project.withTree();
    expect(find(await reportWith(DEPLOY), "cluster-tokens")).toMatchObject({
      status: "warning",
      message: expect.stringContaining(
        "the cluster of staging gets a token of the deployment: DIGITALOCEAN_TOKEN in external-dns/digitalocean-token (own variable: DNS_DIGITALOCEAN_TOKEN)",
      ),
    });
    const own = { DNS_DIGITALOCEAN_TOKEN: "dop_v1_dns", STAGING_FLUX_GITHUB_TOKEN: "github_pat_flux" };
    expect(checks(await reportWith({ ...DEPLOY, ...own }))).not.toContain("cluster-tokens");
    const same = { ...own, DNS_DIGITALOCEAN_TOKEN: DEPLOY.DIGITALOCEAN_TOKEN };
    expect(checks(await reportWith({ ...DEPLOY, ...same }))).toContain("cluster-tokens");
  });
});
