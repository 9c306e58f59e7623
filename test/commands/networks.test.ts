import { cpSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { REPOSITORY } from "../support/example";
import { SandboxProject } from "../support/sandbox-project";

const withRange = (range?: string): SandboxProject =>
  new SandboxProject((document) => {
    delete document.github;
    document.environments[1].cluster.vpcIpRange = range;
  });

/** Somebody else's network and cluster in the same account. */
function occupy(project: SandboxProject): void {
  mkdirSync(join(project.directory, "clouds"), { recursive: true });
  project.write(
    ["clouds", "digitalocean.json"],
    JSON.stringify({
      digitalocean_vpc: { "v-1": { name: "theirs", region: "fra1", ip_range: "10.30.16.0/20" } },
      digitalocean_kubernetes_cluster: {
        "c-1": {
          name: "their-cluster",
          region: "fra1",
          version: "1.34.1-do.2",
          cluster_subnet: "10.108.0.0/16",
          service_subnet: "10.109.0.0/19",
          vpc_uuid: "v-1",
        },
      },
    }),
  );
}

/** The example with a third environment, which has a copy of staging's folders. */
function threeEnvironments(): SandboxProject {
  const project = new SandboxProject((document) => {
    delete document.github;
    document.environments.push({ ...document.environments[0], name: "trial", domain: "trial.acme.example" });
  });
  const tree = join(project.directory, "flux");
  cpSync(join(REPOSITORY, "flux"), tree, { recursive: true });
  for (const folder of readdirSync(tree, { recursive: true, encoding: "utf8" }).filter(
    (path) => basename(path) === "staging",
  ))
    cpSync(join(tree, folder), join(tree, dirname(folder), "trial"), { recursive: true });
  return project;
}

/** Waits until the clusters of so many environments are being made at the same moment, then lets them be finished. */
async function clustersAtOnce(
  project: SandboxProject,
  count: number,
  faults: object[] = [],
): Promise<string> {
  const stall = { provider: "digitalocean", type: "digitalocean_kubernetes_cluster", operation: "create" };
  mkdirSync(join(project.directory, "clouds"), { recursive: true });
  const file = join(project.directory, "clouds", "faults.json");
  // In one step: the cloud reads it all the time.
  const write = (...all: object[]) => {
    writeFileSync(`${file}.new`, JSON.stringify(all));
    renameSync(`${file}.new`, file);
  };
  write(...faults, { ...stall, fault: "stall", times: count });
  const deploy = project.start("deploy", "--yes");
  let output = "";
  for (const stream of [deploy.stdout, deploy.stderr]) stream?.on("data", (part) => (output += part));
  const ended = new Promise<number | null>((resolve) => deploy.once("close", resolve));
  // A cluster is in the cloud from the moment on that its creation is stalled.
  const made = () =>
    project.exists("clouds", "digitalocean.json")
      ? Object.keys(project.json("clouds", "digitalocean.json").digitalocean_kubernetes_cluster ?? {}).length
      : 0;
  const limit = Date.now() + 60_000;
  while (made() < count && deploy.exitCode === null && Date.now() < limit) await sleep(50);
  const together = made();
  write();
  const code = await ended;
  if (code !== 0) throw new Error(output);
  expect(together).toBe(count);
  return output;
}

test("three environments get their networks one after the other and their clusters at once", async () => {
  const project = threeEnvironments();
  try {
    await clustersAtOnce(project, 3);
  } finally {
    project.remove();
  }
});

test("a network that has to be imported keeps no other environment's waiting", async () => {
  const project = withRange();
  try {
    const lost = { provider: "digitalocean", type: "digitalocean_vpc", operation: "create" };
    const output = await clustersAtOnce(project, 2, [{ ...lost, fault: "unanswered", times: 1 }]);
    expect(output).toContain("imported");
  } finally {
    project.remove();
  }
});

test.each([
  ["10.30.0.0/16", "10.30.16.0/20 of the VPC theirs"],
  ["10.108.4.0/24", "10.108.0.0/16 of the pods of the cluster their-cluster"],
  ["10.109.0.0/20", "10.109.0.0/19 of the services of the cluster their-cluster"],
])("a range that overlaps one of the account is refused before anything is made: %s", (range, taken) => {
  const project = withRange(range);
  try {
    occupy(project);
    for (const [command = "", ...options] of [["diff"], ["deploy", "--yes"]]) {
      const { code, stderr } = project.run(command, ...options);
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(
          `environments[1].cluster.vpcIpRange: ${range} overlaps ${taken} in this DigitalOcean account`,
        ),
      ]);
    }
    expect(project.json("clouds", "digitalocean.json").digitalocean_project).toBeUndefined();
  } finally {
    project.remove();
  }
});

test("a range beside them is fine", () => {
  const project = withRange("10.31.0.0/16");
  try {
    occupy(project);
    expect(project.run("diff").code).toBe(2);
  } finally {
    project.remove();
  }
});
