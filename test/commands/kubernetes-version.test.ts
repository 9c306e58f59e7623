import { rmSync } from "node:fs";
import { join } from "node:path";
import { SandboxProject } from "../support/sandbox-project";

const CLUSTERS = "digitalocean_kubernetes_cluster";
const POOLS = "digitalocean_kubernetes_node_pool";

/** Both environments, with a Kubernetes version each. */
function withVersions(staging?: string, production?: string): SandboxProject {
  return new SandboxProject((document) => {
    delete document.github;
    document.environments[0].cluster.version = staging;
    document.environments[1].cluster.version = production;
  });
}

const setVersions = (project: SandboxProject, ...versions: Array<string | undefined>): void =>
  project.configure(({ environments }) => {
    versions.forEach((version, index) => {
      environments[index].cluster.version = version;
    });
  });

/** Changes what DigitalOcean offers. */
function offer(project: SandboxProject, ...versions: string[]): void {
  const account = project.json("clouds", "digitalocean.json");
  account.kubernetes_options = { self: { versions } };
  project.write(["clouds", "digitalocean.json"], JSON.stringify(account));
}

function clusterOf(project: SandboxProject, environment: string): any {
  const clusters: any[] = Object.entries(project.json("clouds", "digitalocean.json")[CLUSTERS]);
  const [id, cluster] = clusters.find(([, { name }]) => name === `my-startup-${environment}`) ?? [];
  return { id, ...cluster };
}

const nodesOf = (project: SandboxProject, clusterId: string): string[] =>
  Object.values<any>(project.json("clouds", "digitalocean.json")[POOLS])
    .filter(({ cluster_id }) => cluster_id === clusterId)
    .flatMap(({ nodes }) => nodes.map(({ name }: { name: string }) => name));

describe("a higher minor version in the configuration", () => {
  let project: SandboxProject;
  beforeAll(() => {
    project = withVersions("1.33", "1.33");
    expect(project.run("deploy", "--yes").code).toBe(0);
  });
  afterAll(() => project.remove());

  test("waits while the node pools change: DigitalOcean does one thing to the nodes at a time", () => {
    setVersions(project, "1.34", "1.33");
    project.configure(({ environments: [staging] }) => {
      staging.cluster.nodeCount = 7;
    });
    const { code, stdout } = project.run("diff", "--environment", "staging");
    project.configure(({ environments: [staging] }) => {
      staging.cluster.nodeCount = 6;
    });
    expect([code, stdout]).toEqual([
      2,
      expect.stringMatching(/staging stays on Kubernetes 1\.33\.6-do\.2: .*next one upgrades to 1\.34/),
    ]);
    expect(stdout).not.toContain('version: "1.33.6-do.2"');
  });

  test("waits in production while another environment's upgrade waits", () => {
    setVersions(project, "1.34", "1.34");
    project.configure(({ environments: [staging] }) => {
      staging.cluster.nodeCount = 7;
    });
    const { code, stdout } = project.run("diff");
    const alone = project.run("diff", "--environment", "production");
    project.configure(({ environments: [staging] }) => {
      staging.cluster.nodeCount = 6;
    });
    expect([code, stdout]).toEqual([
      2,
      expect.stringMatching(
        /production stays on Kubernetes 1\.33\.6-do\.2: it is upgraded after staging, whose upgrade waits/,
      ),
    ]);
    expect(stdout).not.toContain('version: "1.33.6-do.2"');
    expect([alone.code, alone.stdout]).toEqual([
      0,
      expect.stringMatching(
        /production stays on Kubernetes 1\.33\.6-do\.2: it is upgraded after staging, which this deploy leaves out and which runs 1\.33\.6-do\.2 still: deploy it first/,
      ),
    ]);
  });

  test("fails with its plan: an error of the API is no version that isn't offered, and production stays too", () => {
    setVersions(project, "1.34", "1.34");
    const fault = { provider: "digitalocean", type: "digitalocean_vpc", operation: "read", fault: "500" };
    project.write(["clouds", "faults.json"], JSON.stringify([{ ...fault, times: 1 }]));
    const { code, stdout, stderr } = project.run("deploy", "--yes");
    rmSync(join(project.directory, "clouds", "faults.json"));
    expect([code, stderr]).toEqual([1, expect.stringContaining("Nothing was changed.")]);
    expect(stdout + stderr).not.toContain("doesn't offer");
    for (const environment of ["staging", "production"])
      expect(clusterOf(project, environment).version).toBe("1.33.6-do.2");
  });

  test("is an upgrade in place that diff shows, and deploy does and waits for: staging first, then production", () => {
    setVersions(project, "1.34", "1.34");
    const diff = project.run("diff");
    expect(diff.code).toBe(2);
    expect(diff.stdout.match(/version: "1\.33\.6-do\.2" -> "1\.34\.1-do\.2"/g)).toHaveLength(2);
    expect(diff.stdout).toMatch(
      /Note: staging is upgraded in place .*First the control plane: its API doesn't answer.*Then the nodes, one after the other/,
    );
    expect(diff.stdout).toMatch(/Note: production is upgraded in place .*its API stays available/);
    expect(clusterOf(project, "staging").version).toBe("1.33.6-do.2");

    const before = clusterOf(project, "staging");
    const nodes = nodesOf(project, before.id);
    const { code, stdout } = project.run("deploy", "--yes");
    expect(code).toBe(0);
    const at = (text: string) => stdout.indexOf(text, stdout.indexOf("\nApply"));
    const runs = /(\S+-cluster) +Kubernetes 1\.34\.1-do\.2 runs on every node/g;
    expect([...stdout.matchAll(runs)].map(([, stack]) => stack)).toEqual([
      "staging-cluster",
      "production-cluster",
    ]);
    expect(stdout.search(/staging-cluster +Kubernetes 1\.34\.1-do\.2 runs/)).toBeLessThan(
      stdout.search(/production-cluster +DigitalOcean upgrades the cluster/),
    );
    expect(at("staging-cluster")).toBeGreaterThan(0);
    for (const environment of ["staging", "production"]) {
      expect(clusterOf(project, environment).version).toBe("1.34.1-do.2");
      const outputs = project.json("state", `${environment}-cluster.tfstate`).outputs;
      expect(outputs.cluster_version.value).toBe("1.34.1-do.2");
    }
    expect(clusterOf(project, "staging").id).toBe(before.id);
    // A surge upgrade: as many nodes as before, none of them the same.
    expect(nodesOf(project, before.id)).toHaveLength(nodes.length);
    expect(nodesOf(project, before.id).filter((name) => nodes.includes(name))).toEqual([]);
    expect(project.run("diff").code).toBe(0);
  });

  test("that DigitalOcean doesn't offer leaves the cluster as it is, with a note, and blocks nothing else", () => {
    setVersions(project, "1.35", "1.34");
    const { code, stdout } = project.run("deploy", "--yes");
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(
        /staging stays on Kubernetes 1\.34\.1-do\.2: DigitalOcean doesn't offer 1\.35\. It offers 1\.34, 1\.33.*Set cluster\.version to "1\.34"/,
      ),
    ]);
    expect(project.run("diff").stdout + stdout).not.toContain("as the configuration says");
    expect(clusterOf(project, "staging").version).toBe("1.34.1-do.2");
  });

  test("that DigitalOcean has gone beyond by itself is a note, also where the configured one is retired", () => {
    setVersions(project, "1.34", undefined);
    offer(project, "1.36.0-do.0", "1.35.2-do.1");
    const diff = project.run("diff", "--json");
    const { refused, failures, stacks } = JSON.parse(diff.stdout);
    expect([diff.code, refused, failures]).toEqual([2, [], []]);
    expect(stacks.flatMap(({ resources }: any) => resources)).toEqual([]);
    expect(stacks.find(({ name }: any) => name === "staging-cluster").notes).toEqual([
      expect.stringMatching(
        /^staging runs Kubernetes 1\.35, newer than the configured 1\.34\. A cluster never goes back, so nothing is changed/,
      ),
    ]);
    const { code, stdout } = project.run("deploy", "--yes");
    expect([code, stdout]).toEqual([0, expect.stringContaining("newer than the configured 1.34")]);
    expect(clusterOf(project, "staging").version).toBe("1.35.2-do.1");
    expect(clusterOf(project, "production").version).toBe("1.35.2-do.1");
    expect(project.run("diff").code).toBe(0);
    // The next minor version is counted from what runs, not from what the state knew.
    setVersions(project, "1.36", undefined);
    expect(project.run("diff", "--environment", "staging").stdout).toContain(
      '"1.35.2-do.1" -> "1.36.0-do.0"',
    );
  });
});

test("production's upgrade waits for the end of an upgrade that an interrupted deploy has begun", () => {
  const project = withVersions("1.33", "1.33");
  try {
    expect(project.run("deploy", "--yes").code).toBe(0);
    setVersions(project, "1.34", "1.33");
    expect(project.run("deploy", "--yes", "--environment", "staging").code).toBe(0);
    // As after Ctrl-C in the wait: the state has the new version, and DigitalOcean goes on.
    const account = project.json("clouds", "digitalocean.json");
    const { id } = clusterOf(project, "staging");
    account[CLUSTERS][id].upgrade_ends = Date.now() + 30_000;
    project.write(["clouds", "digitalocean.json"], JSON.stringify(account));
    setVersions(project, "1.34", "1.34");
    const { code, stdout } = project.run("deploy", "--yes");
    expect(code).toBe(0);
    const ended = stdout.search(/staging-cluster +Kubernetes 1\.34\.1-do\.2 runs on every node/);
    expect(ended).toBeGreaterThan(0);
    expect(ended).toBeLessThan(stdout.search(/production-cluster +changed /));
  } finally {
    project.remove();
  }
});

test("in the order of CI, production is not upgraded before an environment that its deploy leaves out", () => {
  const project = withVersions("1.33", "1.33");
  const versions = () => ["staging", "production"].map((name) => clusterOf(project, name).version);
  const deploy = (environment: string) => project.run("deploy", "--yes", "--environment", environment);
  try {
    expect(project.run("deploy", "--yes").code).toBe(0);
    setVersions(project, "1.34", "1.34");
    project.configure(({ environments: [staging] }) => {
      staging.cluster.nodeCount = 7;
    });
    for (const environment of ["staging", "production"]) expect(deploy(environment).code).toBe(0);
    expect(versions()).toEqual(["1.33.6-do.2", "1.33.6-do.2"]);
    const status = project.run("status");
    expect([status.code, status.stdout]).toEqual([
      2,
      expect.stringContaining("The next deploy upgrades the cluster in place"),
    ]);
    expect(deploy("staging").code).toBe(0);
    // As after Ctrl-C in the wait.
    const account = project.json("clouds", "digitalocean.json");
    account[CLUSTERS][clusterOf(project, "staging").id].upgrade_ends = Date.now() + 15_000;
    project.write(["clouds", "digitalocean.json"], JSON.stringify(account));
    expect(project.run("diff", "--environment", "production").stdout).toContain(
      'whose cluster is "upgrading" still',
    );
    while (deploy("production").stdout.includes("stays on Kubernetes"));
    expect(versions()).toEqual(["1.34.1-do.2", "1.34.1-do.2"]);
  } finally {
    project.remove();
  }
});

test("a new cluster in a version that isn't offered is refused by its plan, in the configuration's words", () => {
  const project = withVersions("1.20");
  try {
    const { code, stderr } = project.run("diff", "--environment", "staging");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/DigitalOcean doesn't offer Kubernetes 1\.20 \(any more\): set cluster\.version/),
    ]);
  } finally {
    project.remove();
  }
});
