import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SandboxProject } from "../support/sandbox-project";

/** Both environments are deployed, and the states are with another checkout: Git doesn't have state/. */
const project = new SandboxProject((document) => {
  delete document.github;
});
const FILES = ["clouds/digitalocean.json"];
const clouds = () => FILES.map((file) => readFileSync(join(project.directory, file), "utf8"));
let id: string;

beforeAll(() => {
  const deployed = project.run("deploy", "--yes", "--stack", "staging-cluster");
  expect(deployed.code).toBe(0);
  id = project.json("state", "staging-cluster.tfstate").outputs.cluster_id.value;
  rmSync(join(project.directory, "state"), { recursive: true });
});
afterAll(() => project.remove());

test("status names the cluster whose state is missing, and doesn't advise to deploy it", () => {
  const { code, stdout } = project.run("status", "--environment", "staging");
  const text = stdout.replace(/\s+/g, " ");
  expect([code, text]).toEqual([2, expect.stringContaining(`state missing my-startup-staging ${id}`)]);
  expect(text).toContain(
    `Copy .sandbox/${project.name}/state/ from the checkout that deployed it, or move the states to a bucket there (\`npm run state -- migrate --sandbox ${project.name}\`)`,
  );
  expect(text).not.toContain("shows what is left to do");
  expect(text).toContain("its cluster's state missing here");
  const report = JSON.parse(project.run("status", "--json").stdout);
  expect(report.environments.map(({ cluster }: any) => cluster.state)).toEqual(["elsewhere", "not deployed"]);
});

test.each([["diff"], ["deploy", "--yes"]])(
  "%s refuses to create a second one, and touches nothing",
  (...command) => {
    const before = clouds();
    const { code, stderr } = project.run(
      command[0] as string,
      ...command.slice(1),
      "--environment",
      "staging",
    );
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(
        `staging: DigitalOcean already has a cluster my-startup-staging (${id}, created `,
      ),
    ]);
    expect(stderr).toContain("its state is missing here");
    expect(stderr).toMatch(
      /npm run deploy -- .*--stack staging-cluster --adopt (?=.*digitalocean_vpc\.vpc)(?=.*digitalocean_kubernetes_cluster\.cluster)/,
    );
    expect(clouds()).toEqual(before);
    expect(existsSync(join(project.directory, "state", "staging-cluster.tfstate"))).toBe(false);
  },
);

test("another environment, whose cluster nobody has, is deployed all the same", () => {
  expect(project.run("diff", "--stack", "production-cluster").code).toBe(2);
});

test("the cluster is taken over by the command that the refusal gives", () => {
  const { stderr } = project.run("diff", "--stack", "staging-cluster");
  const [, command = ""] = / (--stack staging-cluster --adopt [\w. -]+?)\. If it is/.exec(stderr) ?? [];
  const deployed = project.run("deploy", "--yes", ...command.split(" "));
  expect([deployed.code, deployed.stderr]).toEqual([0, ""]);
  expect(project.json("state", "staging-cluster.tfstate").outputs.cluster_id.value).toBe(id);
  expect(project.run("diff", "--stack", "staging-cluster").code).toBe(0);
});
