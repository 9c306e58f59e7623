import { SandboxProject } from "../../support/sandbox-project";

/**
 * Calls that were carried out and whose answers got lost. The providers repeat them, as the real ones do, and are told that the thing
 * exists; or they give up with Go's message, which has the port 443 in it.
 */
const project = new SandboxProject((document) => {
  document.environments = [document.environments[1]];
});
afterAll(() => project.remove());

const deploy = () => {
  const { code, stdout, stderr } = project.run("deploy", "--yes", "--json");
  return { code, stderr, stacks: JSON.parse(stdout).stacks as any[] };
};
const faults = (...list: object[]) => {
  project.run("diff");
  project.write(["clouds", "faults.json"], JSON.stringify(list));
};
const unanswered = (provider: string, type: string) => ({
  provider,
  type,
  operation: "create",
  fault: "unanswered",
  times: 1,
});
const CLUSTER_STACK = [
  "digitalocean_project",
  "digitalocean_vpc",
  "digitalocean_domain",
  "digitalocean_kubernetes_cluster",
  "digitalocean_kubernetes_node_pool",
];
const GITHUB_STACK = [
  "github_repository_environment",
  "github_repository_environment_deployment_policy",
  "github_actions_environment_variable",
  "github_repository_deploy_key",
  "github_repository_webhook",
];
const CONFIG_MAP = "kubernetes_config_map_v1.infrastructure-config";

test("what a provider's own repetition finds there is ours in the same run: nothing is made twice, and no --adopt is needed", () => {
  faults(
    ...CLUSTER_STACK.map((type) => unanswered("digitalocean", type)),
    ...GITHUB_STACK.map((type) => unanswered("github", type)),
  );
  const { code, stderr, stacks } = deploy();
  expect([code, stacks.map(({ status }) => status), stderr]).toEqual([
    0,
    ["applied", "applied", "applied"],
    expect.not.stringContaining("--adopt"),
  ]);
  expect(stacks[0].adopted).toEqual(
    expect.arrayContaining(["digitalocean_vpc.vpc", "digitalocean_domain.domain"]),
  );
  const left = project.json("clouds", "faults.json") as Array<{ times: number }>;
  expect(left.filter(({ times }) => times > 0)).toEqual([]);
  const cloud = project.json("clouds", "digitalocean.json");
  for (const type of ["digitalocean_vpc", "digitalocean_domain", "digitalocean_kubernetes_cluster"])
    expect(Object.keys(cloud[type])).toHaveLength(1);
  const [repository] = Object.values<any>(project.json("clouds", "github.json").repositories);
  for (const type of GITHUB_STACK.filter((one) => one !== "github_actions_environment_variable"))
    expect([type, Object.keys(repository[type]).length]).toEqual([type, 1]);
  expect(project.exists("state", "production-cluster.unfinished.json")).toBe(false);
  expect(deploy().stacks.map(({ status }) => status)).toEqual(["unchanged", "unchanged", "unchanged"]);
});

test("a call to the cluster without an answer: the port in its message is no refusal, and the next deploy takes over what it made", () => {
  const other = new SandboxProject((document) => {
    document.environments = [document.environments[1]];
    delete document.github;
  });
  try {
    other.run("diff");
    const fault = { ...unanswered("kubernetes", "kubernetes_config_map_v1"), name: "infrastructure-config" };
    other.write(["clouds", "faults.json"], JSON.stringify([fault]));
    const first = other.run("deploy", "--yes");
    expect([first.code, first.stderr]).toEqual([
      1,
      expect.stringContaining(":443: read: connection reset by peer"),
    ]);
    expect(other.json("state", "production-flux-configuration.unfinished.json")).toEqual([
      expect.objectContaining({ address: CONFIG_MAP }),
    ]);
    const second = other.run("deploy", "--yes", "--json");
    expect([second.code, JSON.parse(second.stdout).stacks[1]]).toEqual([
      0,
      expect.objectContaining({ adopted: [CONFIG_MAP] }),
    ]);
  } finally {
    other.remove();
  }
});

test("a cluster of ours that is still provisioning is waited for, and never imported before it runs", async () => {
  const other = new SandboxProject((document) => {
    document.environments = [document.environments[1]];
    delete document.github;
  });
  const STACK = "production-cluster";
  try {
    other.run("diff");
    const crash = { ...unanswered("digitalocean", "digitalocean_kubernetes_cluster"), fault: "crash" };
    other.write(["clouds", "faults.json"], JSON.stringify([crash]));
    expect(other.run("deploy", "--yes", "--stack", STACK).code).toBe(1);
    const setStatus = (status: string) => {
      const cloud = other.json("clouds", "digitalocean.json");
      for (const cluster of Object.values<any>(cloud.digitalocean_kubernetes_cluster))
        cluster.status = status;
      other.write(["clouds", "digitalocean.json"], JSON.stringify(cloud));
    };
    setStatus("error");
    const failed = other.run("deploy", "--yes", "--stack", STACK);
    expect([failed.code, failed.stderr]).toEqual([
      1,
      expect.stringContaining("has the status error. Delete it"),
    ]);
    setStatus("provisioning");
    const child = other.start("deploy", "--yes", "--stack", STACK);
    let text = "";
    child.stdout?.on("data", (part) => {
      text += part;
      if (text.includes("it is still being made") && !text.includes("taking over")) setStatus("running");
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect([code, text]).toEqual([0, expect.stringMatching(/still being made[\s\S]*taking over/)]);
  } finally {
    other.remove();
  }
});
