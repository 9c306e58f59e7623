import { mkdirSync } from "node:fs";
import { join } from "node:path";
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

test("two environments get their networks one after the other: DigitalOcean makes one at a time", () => {
  const project = withRange();
  try {
    const { code, stdout, stderr } = project.run("deploy", "--yes");
    expect([code, stderr]).toEqual([0, ""]);
    const at = (text: RegExp): number => stdout.search(text);
    const [first] = /(\S+)-cluster +created digitalocean_vpc\.vpc/.exec(stdout)?.slice(1) ?? [];
    const other = first === "staging" ? "production" : "staging";
    // Only the networks: the clusters are made side by side.
    expect(at(new RegExp(`${other}-cluster +created digitalocean_vpc\\.vpc`))).toBeLessThan(
      Math.max(at(/staging-cluster +done/), at(/production-cluster +done/)),
    );
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
