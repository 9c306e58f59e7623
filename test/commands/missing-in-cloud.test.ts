import { randomUUID } from "node:crypto";
import { cli, SandboxProject } from "../support/sandbox-project";

const KIND = "missing-in-cloud";
const STACKS = ["staging-cluster", "production-cluster"] as const;

/** Deployed once, both environments. */
const project = new SandboxProject();
let deployed: Record<string, any>;
beforeAll(() => {
  const { code, stderr } = project.run("deploy", "--yes");
  expect([code, stderr]).toEqual([0, ""]);
  deployed = cloud();
});
afterEach(() => setCloud(deployed));
afterAll(() => project.remove());

const cloud = () => project.json("clouds", "digitalocean.json");
const setCloud = (content: object) => project.write(["clouds", "digitalocean.json"], JSON.stringify(content));
const states = () => STACKS.map((stack) => project.read("state", `${stack}.tfstate`));
const ownerOf = (content: Record<string, any>): string => content.account.self.uuid;

/** What a token of another account sees: nothing of what is deployed. */
const otherAccount = (): Record<string, any> => ({
  account: { self: { ...deployed.account.self, uuid: randomUUID(), email: "other@acme.example" } },
});

/** Takes objects out of the cloud, as somebody does by hand. */
function deleteByHand(type: string, name: string): void {
  const content = cloud();
  for (const [id, object] of Object.entries<any>(content[type]))
    if (object.name === name) delete content[type][id];
  setCloud(content);
}

test("a token of another account: diff, deploy, state check and destroy refuse, and nothing is made or forgotten", () => {
  setCloud(otherAccount());
  const before = [cloud(), states()];
  const told = (environment: string) =>
    expect.stringContaining(`${environment}-cluster: the cluster my-startup-${environment} (`);
  const reading = expect.stringMatching(
    new RegExp(
      `DIGITALOCEAN_TOKEN is of the account other@acme\\.example, .* belongs to ${ownerOf(deployed)}: it is of another account or team, or all of it was deleted by hand`,
    ),
  );
  for (const [command, ...args] of [["diff"], ["deploy", "--yes"]] as const) {
    const { code, stderr } = project.run(command, ...args);
    expect([command, code]).toEqual([command, 1]);
    for (const environment of ["staging", "production"]) expect(stderr).toEqual(told(environment));
    expect(stderr).toEqual(reading);
    expect(stderr).toContain(`[${KIND}]`);
    expect(stderr).toContain("the network my-startup-production (");
    expect(stderr).toContain("the domain acme.example are in the state");
  }
  const check = cli(["state", "check", "--sandbox", project.name]);
  expect([check.code, check.stderr]).toEqual([1, told("staging")]);
  expect(check.stderr).toEqual(reading);
  const destroyed = project.run("destroy", "--environment", "staging", "--yes");
  expect([destroyed.code, destroyed.stderr]).toEqual([1, told("staging")]);
  expect(destroyed.stderr).toContain("Nothing was destroyed.");
  expect([cloud(), states()]).toEqual(before);
});

test("an account that DigitalOcean refuses to show leaves both readings open", () => {
  const content = otherAccount();
  setCloud({ ...content, account: { self: { ...content.account.self, refused: 403 } } });
  const { code, stderr } = project.run("diff", "--environment", "staging");
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining(
      "either DIGITALOCEAN_TOKEN is of another account or team, or it was deleted by hand",
    ),
  ]);
  expect(stderr).toContain("doctl account get");
});

test("a network that is missing alone: refused, with the reading that it was deleted, in staging too", () => {
  deleteByHand("digitalocean_vpc", "my-startup-staging");
  const { code, stderr } = project.run(
    "diff",
    "--environment",
    "staging",
    "--allow",
    "cluster-loss,vpc-loss",
  );
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("staging-cluster: the network my-startup-staging ("),
  ]);
  expect(stderr).toContain(
    "is of the account that owns the rest of the stack, so it was deleted there by hand",
  );
  expect(stderr).not.toContain("the cluster my-startup-staging (");
});

test("a network of production that is missing is named, though Terraform refuses to plan", () => {
  deleteByHand("digitalocean_vpc", "my-startup-production");
  const { code, stderr } = project.run("diff", "--environment", "production");
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("production-cluster: the network my-startup-production ("),
  ]);
  // The plan has failed, and would with any --allow.
  expect(stderr).not.toContain("If you mean it");
  expect(stderr).toContain("No --allow gets this deploy through");
});

test("a pool that was deleted by hand is made again: it has nothing that nobody brings back", () => {
  const content = cloud();
  for (const [id, pool] of Object.entries<any>(content.digitalocean_kubernetes_node_pool))
    if (pool.default_pool !== true && pool.name.startsWith("workload"))
      delete content.digitalocean_kubernetes_node_pool[id];
  setCloud(content);
  const { code, stderr } = project.run("diff", "--environment", "staging");
  expect([code, stderr]).toEqual([2, expect.not.stringContaining(KIND)]);
});

test("a repository that GitHub has no more, or that the token can't see, is named before anything is touched", () => {
  const gitHub = project.read("clouds", "github.json");
  const content = JSON.parse(gitHub);
  const [name = ""] = Object.keys(content.repositories);
  content.repositories[name] = null;
  project.write(["clouds", "github.json"], JSON.stringify(content));
  try {
    const { code, stderr } = project.run("diff");
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`${name}: 404, the repository doesn't exist or GITHUB_TOKEN doesn't see it`),
    ]);
  } finally {
    project.write(["clouds", "github.json"], gitHub);
  }
});

test("who means it allows it: what was deleted by hand is made again", () => {
  const [before] = states();
  deleteByHand("digitalocean_kubernetes_cluster", "my-startup-staging");
  expect(project.run("deploy", "--yes", "--environment", "staging").code).toBe(1);
  expect(states()[0]).toBe(before);
  const { code, stdout } = project.run("deploy", "--yes", "--environment", "staging", "--allow", KIND);
  expect([code, stdout]).toEqual([0, expect.stringContaining("Dangerous, and allowed by --allow")]);
  deployed = cloud();
});
