import { ExplainedFailure, explain } from "../../src/deployment/failure";
import { failureMessages } from "../../src/deployment/plan-all";
import { adviceOn } from "../../src/deployment/trouble";
import { TerraformError } from "../../src/terraform";

const VPC = "digitalocean_vpc.vpc";
const POOL = "digitalocean_kubernetes_node_pool.pool";
const API = "https://api.digitalocean.com/v2";

const failed = (entries: ReadonlyArray<readonly [address: string, action: string, summary: string]>) =>
  new TerraformError(
    "staging-cluster",
    "apply",
    entries.map(([address, , summary]) => ({ severity: "error" as const, summary, detail: "", address })),
    "",
    { underWay: [], failed: new Map(entries.map(([address, action]) => [address, action])) },
  );

describe("a conflict", () => {
  const message = (action: string) =>
    explain(failed([[VPC, action, `PUT ${API}/vpcs/1: 409 (request "x") conflict`]]));

  test.each(["update", "delete"])(
    "while something is %sd is no creation that could be taken over",
    (action) => {
      expect(message(action)).toContain("Something in the cloud is in the way");
      expect(message(action)).not.toContain("takes it over");
    },
  );

  test("while something is created is told to be taken over by the next deploy", () => {
    expect(message("create")).toContain("the next deploy takes it over, or says why not");
  });

  test("beside one that can't be taken over promises nothing", () => {
    const error = failed([
      [VPC, "create", `POST ${API}/vpcs: 409 (request "x") conflict`],
      [POOL, "create", `POST ${API}/pools: 409 (request "x") conflict`],
    ]);
    const text = explain(new ExplainedFailure(error, new Map([[VPC, "It is not ours."]])));
    expect(text).toContain("It is not ours.");
    expect(text).toContain("run the same command again, with every --adopt of this one");
    expect(text).not.toContain("the next deploy takes it over");
  });
});

test.each([
  [
    "DigitalOcean",
    `GET ${API}/projects: 401 (request "x") Unable to authenticate you`,
    /^DIGITALOCEAN_TOKEN is not valid/,
  ],
  [
    "DigitalOcean",
    `POST ${API}/vpcs: 403 (request "x") You are not authorized to perform this operation`,
    /^DIGITALOCEAN_TOKEN may not do this/,
  ],
  ["GitHub", "GET https://api.github.com/repos/a/b: 401 Bad credentials []", /^GITHUB_TOKEN is not valid/],
  [
    "GitHub",
    "PUT https://api.github.com/repos/a/b/environments/c: 403 Resource not accessible by personal access token []",
    /^GITHUB_TOKEN may not do this.*docs\/credentials\.md/,
  ],
  [
    "GitHub",
    'Get "https://git.acme.example/api/v3/user": dial tcp 10.0.0.1:443: connect: connection refused',
    /can't be reached at git\.acme\.example.*HTTPS_PROXY.*GITHUB_BASE_URL/,
  ],
  [
    "DigitalOcean",
    'Get "https://api.digitalocean.com/v2/account": dial tcp: lookup api.digitalocean.com: no such host',
    /^DigitalOcean can't be reached at api\.digitalocean\.com.*DIGITALOCEAN_API_URL/,
  ],
  ["Kubernetes", "Unauthorized", /^The cluster doesn't accept its credentials/],
  [
    "Kubernetes",
    'configmaps "x" is forbidden: User "y" cannot get resource',
    /^The cluster's credentials may not do this/,
  ],
  [
    "Kubernetes",
    'Get "https://c-1.k8s.ondigitalocean.com/api": dial tcp 1.2.3.4:443: connect: connection refused',
    /can't be reached at c-1\.k8s\.ondigitalocean\.com/,
  ],
])("of %s: %s", (service, summary, wanted) => {
  const address = {
    DigitalOcean: VPC,
    GitHub: "github_repository.r",
    Kubernetes: "kubernetes_config_map_v1.m",
  }[service];
  expect(adviceOn({ summary, detail: "", address }, "deploy")).toMatch(wanted);
});

test.each([
  `DELETE ${API}/vpcs/1: 403 (request "x") Can not delete VPC with members`,
  `POST ${API}/vpcs: 422 (request "x") invalid`,
  'Get "https://127.0.0.1:443/api": EOF in the middle of 401 things',
])("nothing is advised that isn't known: %s", (summary) => {
  expect(adviceOn({ summary, detail: "", address: VPC }, "deploy")).toBeUndefined();
});

describe("init without a network", () => {
  const ASKED = 'Get "https://registry.terraform.io/.well-known/terraform.json"';
  const noVersions = (provider: string, why: string) =>
    `Error: Failed to query available provider packages\n\nCould not retrieve the list of available versions for provider\n${provider}: could not connect to registry.terraform.io: failed\nto request discovery document: ${ASKED}: ${why}\n`;
  const failure = (stack: string, output: string) =>
    explain(
      new TerraformError(stack, "init", [], `Initializing provider plugins...\n${output}`, { underWay: [] }),
    );

  test.each([
    [
      "dial tcp: lookup registry.terraform.io on\n127.0.0.53:53: read udp 10.0.0.2:41234->8.8.8.8:53: i/o timeout",
      "its address can't be resolved",
    ],
    ["dial tcp: lookup registry.terraform.io: no such\nhost", "its address can't be resolved"],
    ["proxyconnect tcp:\ndial tcp 127.0.0.1:9: connect: connection refused", "no connection"],
    [
      "net/http: request canceled while\nwaiting for connection (Client.Timeout exceeded)",
      "no answer in time",
    ],
  ])("is one cause in all stacks, whatever the order of their providers: %s", (why, reason) => {
    const [a, b] = [noVersions("digitalocean/digitalocean", why), noVersions("hashicorp/kubernetes", why)];
    const failures = [`${a}\n${b}`, `${b}\n${a}`].map((output, index) => {
      const stack = ["staging-flux-config", "production-flux-config"][index] as string;
      return { stack, message: failure(stack, output) };
    });
    expect(failureMessages(failures)).toEqual([
      `staging-flux-config: terraform init failed\n  Terraform can't get what it needs: registry.terraform.io can't be reached (${reason}). Is there a network? Check it, and a proxy (HTTPS_PROXY). Then deploy again.\n  (the same in production-flux-config)`,
    ]);
  });

  test("keeps terraform's own words beside another error", () => {
    const output = `${noVersions("hashicorp/null", "dial tcp: lookup x: no such host")}\nError: Invalid version\n\nNo.`;
    expect(failure("staging-cluster", output)).toContain("Error: Invalid version");
  });
});
