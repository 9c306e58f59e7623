import { type CliResult, SandboxProject } from "../support/sandbox-project";

/** The pods of a cluster are played: there are no nodes, so that nobody else makes or ends them. */
function setPods(project: SandboxProject, pods: Readonly<Record<string, string>>): void {
  const id = project.json("state", "staging-cluster.tfstate").outputs.cluster_id.value;
  const file = ["clouds", "kubernetes", `${id}.json`];
  const content = project.json(...file);
  content.objects.Pod = Object.fromEntries(
    Object.entries(pods).map(([name, memory]) => [
      `apps/${name}`,
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace: "apps" },
        spec: { containers: [{ name: "app", resources: { requests: { cpu: "100m", memory } } }] },
        status: { phase: "Running" },
      },
    ]),
  );
  if (Object.keys(pods).length === 0) delete content.objects.Pod;
  project.write(file, JSON.stringify(content));
}

function workloadNodes(project: SandboxProject): number {
  const pools = Object.values<any>(
    project.json("clouds", "digitalocean.json").digitalocean_kubernetes_node_pool,
  );
  return pools.find(({ name }) => name.startsWith("workload-")).node_count;
}

const order = ({ stdout }: CliResult) =>
  [...stdout.matchAll(/(staging-\S+) +done:/g)].map(([, stack]) => stack);
const nodes = (count: number) => (document: Record<string, any>) => {
  document.environments[0].cluster.nodeCount = count;
};

/** Each asks for more than half of what a workload node of 4 GiB has; the node of the system pool has room for two. */
const EIGHT_PODS = Object.fromEntries([..."abcdefgh"].map((name) => [name, "1500Mi"]));

describe("the order of capacity", () => {
  let project: SandboxProject;
  beforeAll(() => {
    project = new SandboxProject((document) => {
      delete document.github;
      document.environments.length = 1;
      document.environments[0].cluster.nodeCount = 8;
    });
    expect(project.run("deploy", "--yes").code).toBe(0);
  });
  afterAll(() => project.remove());

  test("fewer nodes: the ConfigMaps are written, then it waits for the pods; as long as they don't fit no node goes", () => {
    project.configure(nodes(5));
    setPods(project, EIGHT_PODS);
    const refused = project.run("deploy", "--yes", "--allow", "pods-without-room", "--pod-timeout", "1");
    expect(refused.code).toBe(1);
    expect(order(refused)).toEqual(["staging-flux-configuration"]);
    expect(refused.stdout).toMatch(
      /staging-cluster +waits for the pods to shrink: 8 pods ask for 800m CPU and 12000Mi/,
    );
    expect(refused.stderr).toMatch(
      /staging-cluster \(failed\): .*after 1 s 8 pods ask .* takes 6 nodes of s-2vcpu-4gb, and there will be 5 \(largest: apps\/a, apps\/b, apps\/c\)\. Nothing was taken away/,
    );
    expect(project.configMap("staging", "infrastructure-vars").infraConfig_cluster_nodeCount).toBe("5");
    expect(workloadNodes(project)).toBe(8);
  });

  test("the next deploy has only the cluster left to do, and waits all the same, until the pods fit", async () => {
    const child = project.start("deploy", "--yes", "--allow", "pods-without-room");
    let text = "";
    const waiting = new Promise<void>((resolve) => {
      child.stdout?.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        if (text.includes("waits for the pods to shrink")) resolve();
      });
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    await Promise.race([waiting, ended]);
    expect([text.includes("waits for the pods"), workloadNodes(project)]).toEqual([true, 8]);
    const { h: _one, ...fewer } = EIGHT_PODS;
    setPods(project, fewer);
    expect(await ended).toBe(0);
    expect(text).toContain("the pods fit now");
    expect(workloadNodes(project)).toBe(5);
  });

  test("nobody looks with --pod-timeout 0", () => {
    setPods(project, EIGHT_PODS);
    project.configure(nodes(4));
    const { code, stdout } = project.run(
      "deploy",
      "--yes",
      "--allow",
      "pods-without-room",
      "--pod-timeout",
      "0",
    );
    expect([code, stdout.includes("waits for")]).toEqual([0, false]);
    expect(workloadNodes(project)).toBe(4);
  });

  test("more nodes: the cluster goes first, and waits for nothing", () => {
    project.configure(nodes(6));
    const grown = project.run("deploy", "--yes", "--pod-timeout", "1");
    expect([grown.code, order(grown)]).toEqual([0, ["staging-cluster", "staging-flux-configuration"]]);
    expect(grown.stdout).not.toContain("waits for");
  });

  test("what is no number of seconds is refused", () => {
    const { code, stderr } = project.run("deploy", "--yes", "--pod-timeout", "15m");
    expect([code, stderr]).toEqual([expect.any(Number), expect.stringContaining("whole number of seconds")]);
    expect(code).not.toBe(0);
  });
});
