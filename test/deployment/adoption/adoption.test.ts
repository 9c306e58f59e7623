import { existsSync } from "node:fs";
import { SandboxProject } from "../../support/sandbox-project";

const VPC = "digitalocean_vpc.vpc";
const DOMAIN = "digitalocean_domain.domain";

/** A project with production only, whose cluster stack is deployed alone. */
const project = new SandboxProject((document) => {
  document.environments = [document.environments[1]];
  delete document.github;
});
afterAll(() => project.remove());

const deploy = (...args: string[]) => {
  const { code, stdout, stderr } = project.run(
    "deploy",
    "--yes",
    "--json",
    "--stack",
    "production-cluster",
    ...args,
  );
  return { code, stderr, stacks: stdout ? JSON.parse(stdout).stacks : [] };
};
const cloud = () => project.json("clouds", "digitalocean.json");
const put = (type: string, id: string, object: object) => {
  const content = existsSync(`${project.directory}/clouds/digitalocean.json`) ? cloud() : {};
  content[type] = { ...content[type], [id]: object };
  project.write(["clouds", "digitalocean.json"], JSON.stringify(content));
};
const change = (type: string, id: string, values: object) =>
  put(type, id, { ...cloud()[type][id], ...values });

describe("what is there already and is not known to be ours", () => {
  const id = "11111111-2222-4333-8444-555555555555";
  const foreign = {
    name: "my-startup-production",
    region: "nyc3",
    ip_range: "10.9.0.0/20",
    default: false,
    urn: `do:vpc:${id}`,
    description: "somebody else's",
  };

  test("is not taken over, is named with its id and with the way to do it, and stays as it is", () => {
    project.run("diff");
    put("digitalocean_vpc", id, foreign);
    const { code, stderr, stacks } = deploy();
    expect([code, stacks[0].status]).toEqual([1, "partly applied"]);
    expect(stderr).toContain(`${VPC}: Error creating VPC: `);
    expect(stderr).toContain(
      `It differs from the configuration in description (${id}). If it is yours, take it over and change it: npm run deploy -- --sandbox ${project.name} --stack production-cluster --adopt ${VPC}`,
    );
    expect(cloud().digitalocean_vpc[id]).toEqual(foreign);
    expect(Object.keys(cloud().digitalocean_vpc)).toEqual([id]);
  });

  test("is not taken over either when it looks the same: another state may have it", () => {
    change("digitalocean_vpc", id, { description: undefined });
    const { code, stderr } = deploy();
    expect(code).toBe(1);
    expect(stderr).toContain(
      `No deploy from here has begun to make it (${id}). Is there another state that has it?`,
    );
  });

  test("an address that no plan creates is refused with those that there are, before anything is touched", () => {
    const before = [cloud(), project.json("state", "production-cluster.tfstate")];
    const misspelt = deploy("--adopt", "digitalocean_vpc.vcp", VPC);
    expect([misspelt.code, misspelt.stderr]).toEqual([
      1,
      expect.stringMatching(
        /--adopt digitalocean_vpc\.vcp: this deploy creates nothing of that address.*, expected digitalocean_vpc\.vpc .*\nNothing was changed\./,
      ),
    ]);
    expect(misspelt.stderr).not.toContain(`--adopt ${VPC}:`);
    expect([cloud(), project.json("state", "production-cluster.tfstate")]).toEqual(before);
  });

  test("that would have to be replaced is not taken over by anything", () => {
    change("digitalocean_vpc", id, { region: "fra1" });
    const { code, stderr } = deploy("--adopt", VPC);
    expect(code).toBe(1);
    expect(stderr).toContain("It can't be imported: ");
    expect(cloud().digitalocean_vpc[id].region).toBe("fra1");
  });

  test("is taken over when somebody names it", () => {
    change("digitalocean_vpc", id, { region: "nyc3" });
    const { code, stacks } = deploy("--adopt", VPC);
    expect([code, stacks[0]]).toEqual([0, expect.objectContaining({ status: "applied", adopted: [VPC] })]);
    expect(Object.keys(cloud().digitalocean_vpc)).toEqual([id]);
    expect(deploy().stacks[0].status).toBe("unchanged");
    // The same command once more: there is nothing left that it could mean.
    expect(deploy("--adopt", VPC).stderr).toContain("this deploy creates nothing that could be imported");
  });
});

test.each(["500", "timeout"])(
  "a zone of others is no proof either after an attempt to make it that failed (%s)",
  (fault) => {
    const other = new SandboxProject((document) => {
      document.environments = [document.environments[1]];
      delete document.github;
    });
    try {
      other.run("diff");
      const zone = { name: "acme.example", ttl: 1800, urn: "do:domain:acme.example" };
      other.write(
        ["clouds", "digitalocean.json"],
        JSON.stringify({ digitalocean_domain: { "acme.example": zone } }),
      );
      const strike = {
        provider: "digitalocean",
        type: "digitalocean_domain",
        operation: "create",
        fault,
        times: 8,
      };
      other.write(["clouds", "faults.json"], JSON.stringify([strike]));
      const args = ["deploy", "--yes", "--stack", "production-cluster"] as const;
      expect(other.run(...args).code).toBe(1);
      other.write(["clouds", "faults.json"], "[]");
      const { code, stderr } = other.run(...args);
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining("No deploy from here has begun to make it (acme.example)"),
      ]);
    } finally {
      other.remove();
    }
  },
);

test("a zone that was there before the first deploy is nobody's proof: it is taken over only by name", () => {
  const other = new SandboxProject((document) => {
    document.environments = [document.environments[1]];
    delete document.github;
  });
  try {
    other.run("diff");
    other.write(
      ["clouds", "digitalocean.json"],
      JSON.stringify({
        digitalocean_domain: {
          "acme.example": { name: "acme.example", ttl: 1800, urn: "do:domain:acme.example" },
        },
      }),
    );
    const args = ["deploy", "--yes", "--stack", "production-cluster"] as const;
    for (const attempt of [1, 2]) {
      const { code, stderr } = other.run(...args);
      expect([attempt, code, stderr]).toEqual([
        attempt,
        1,
        expect.stringContaining("No deploy from here has begun to make it (acme.example)"),
      ]);
    }
    expect(other.run(...args, "--adopt", DOMAIN).code).toBe(0);
  } finally {
    other.remove();
  }
});
