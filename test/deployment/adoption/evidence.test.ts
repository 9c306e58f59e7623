import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SandboxProject } from "../../support/sandbox-project";

const STACK = "production-cluster";
const VPC = "digitalocean_vpc.vpc";
const NAME = "my-startup-production";
const MINUTE = 60_000;
const id = "11111111-2222-4333-8444-555555555555";

/** Projects with production only, whose cluster stack is deployed alone. */
let project: SandboxProject;
beforeEach(() => {
  project = new SandboxProject((document) => {
    document.environments = [document.environments[1]];
    delete document.github;
  });
  project.run("diff");
  mkdirSync(join(project.directory, "state"), { recursive: true });
});
afterEach(() => project.remove());

const record = () => join(project.directory, "state", `${STACK}.unfinished.json`);
const note = (values: object) =>
  project.write(
    ["state", `${STACK}.unfinished.json`],
    JSON.stringify([{ address: VPC, name: NAME, begun: new Date().toISOString(), ...values }]),
  );
const deploy = () => project.run("deploy", "--yes", "--json", "--stack", STACK);

/** A VPC of our name that differs from the configuration, so that only evidence lets it be taken over. */
const putVpc = (madeMinutesAgo: number) => {
  const made = new Date(Date.now() - madeMinutesAgo * MINUTE).toISOString();
  const vpc = {
    name: NAME,
    region: "nyc3",
    ip_range: "10.9.0.0/20",
    default: false,
    urn: `do:vpc:${id}`,
    description: "other",
    created_at: `${made.slice(0, 19).replace("T", " ")} +0000 UTC`,
  };
  project.write(["clouds", "digitalocean.json"], JSON.stringify({ digitalocean_vpc: { [id]: vpc } }));
};
const refused = expect.stringContaining(`It differs from the configuration in description (${id})`);

test("what a deploy began to make under this name, and is not older than that, is taken over", () => {
  putVpc(4);
  note({});
  const { code, stdout } = deploy();
  expect([code, JSON.parse(stdout).stacks[0]]).toEqual([0, expect.objectContaining({ adopted: [VPC] })]);
  expect(existsSync(record())).toBe(false);
});

test("what is older than the attempt to make it is somebody else's, and stays as it is", () => {
  putVpc(6);
  note({});
  const { code, stderr } = deploy();
  expect([code, stderr]).toEqual([1, refused]);
  expect(project.json("clouds", "digitalocean.json").digitalocean_vpc[id].description).toBe("other");
});

test.each([
  ["another name", { name: "my-startup-before" }],
  ["no name", { name: undefined }],
  ["no time", { begun: undefined }],
])("an attempt with %s is no evidence", (_, values) => {
  putVpc(0.2);
  note(values);
  expect([deploy()].map(({ code, stderr }) => [code, stderr])).toEqual([[1, refused]]);
});

test("a record that can't be written is told, with what is lost by it, and the apply goes on to its end", () => {
  mkdirSync(record());
  const { code, stdout, stderr } = deploy();
  expect([code, JSON.parse(stdout).stacks[0].status]).toEqual([0, "applied"]);
  expect(stderr.match(/what this deploy creates can't be noted there/g)).toHaveLength(1);
  expect(project.json("state", `${STACK}.tfstate`).resources).toContainEqual(
    expect.objectContaining({ type: "digitalocean_vpc" }),
  );
  expect(deploy().code).toBe(0);
  rmSync(record(), { recursive: true });
});
