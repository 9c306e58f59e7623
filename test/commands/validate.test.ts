import { existsSync } from "node:fs";
import { join } from "node:path";
import { describeWithKubectl } from "../flux-tree/kubectl";
import { cli, SandboxProject } from "../support/sandbox-project";

const RELEASE = ["flux", "apps", "mattermost", "base", "helm-release.yaml"];
const RIGHT = "resources: ${infraConfig_applications_mattermost_resources}";

describeWithKubectl("npm run validate", () => {
  let sandbox: SandboxProject;
  beforeAll(() => {
    sandbox = new SandboxProject((document) => {
      document.environments[0].cluster.nodeCount = 8;
    });
    // Makes the sandbox's copy of the tree.
    expect(sandbox.run("synth").code).toBe(0);
  });
  afterAll(() => sandbox.remove());

  test("says of each system what was checked, and ends well when nothing is wrong", () => {
    const { code, stdout } = sandbox.run("validate");

    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^The tree is fine: \d+ objects, \d+ checks, /m),
    ]);
    expect(stdout).toMatch(/^ {2}production +mattermost +\d+ +(\d+) of \1 +(\d+) of \2 +\d+ +0$/m);
    expect(stdout).not.toContain("\u001b[");
  });

  test("prints nothing but the report as JSON with --json, of the environment that was asked for", () => {
    const { code, stdout, stderr } = sandbox.run("validate", "--json", "--environment", "staging");
    const { passed, configurations } = JSON.parse(stdout);

    expect([code, passed]).toEqual([0, true]);
    expect(configurations).toHaveLength(1);
    expect(configurations[0].environments.map(({ name }: { name: string }) => name)).toEqual(["staging"]);
    expect(configurations[0].environments[0]).toMatchObject({
      systems: expect.arrayContaining([expect.objectContaining({ name: "mattermost", findings: 0 })]),
      capacity: { nodeSize: "s-2vcpu-4gb", systems: { mattermost: { pods: 2 } } },
    });
    expect(stderr).toContain("builds");
  });

  test("finds the original document's form with code 1, and --fix rewrites it", () => {
    const text = sandbox.read(...RELEASE);
    expect(text).toContain(RIGHT);
    sandbox.write(
      RELEASE,
      text.replace(RIGHT, 'resources: "${infraConfig.applications.mattermost.resources}"'),
    );

    const found = sandbox.run("validate");
    expect(found.code).toBe(1);
    expect(found.stdout).toContain("${infraConfig.applications.mattermost.resources} can't work");
    expect(found.stdout).toContain(`(npm run validate -- --sandbox ${sandbox.name} --fix does it)`);

    const fixed = sandbox.run("validate", "--fix");
    expect(fixed.stdout).toMatch(
      /^rewritten {2}\.sandbox\/\S+\/flux\/apps\/mattermost\/base\/helm-release\.yaml:\d+: "\$\{infraConfig\.applications\.mattermost\.resources\}" → \$\{infraConfig_applications_mattermost_resources\}$/m,
    );
    expect(fixed.code).toBe(0);
    expect(sandbox.read(...RELEASE)).toBe(text);
  });

  test("counts what could not be checked with --strict only", () => {
    const without = { XDG_CACHE_HOME: join(sandbox.directory, "no-tools"), PATH: pathWithoutKubeconform() };

    const { code, stdout } = cli(["validate", "--sandbox", sandbox.name], without);
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining("not checked: every object validates against its schema"),
    ]);
    expect(cli(["validate", "--strict", "--sandbox", sandbox.name], without).code).toBe(1);
  });

  test("tries the tree with other configurations", () => {
    const { code, stdout } = cli([
      "validate",
      "--configuration",
      "test/flux-tree/configurations/smallest.json",
    ]);

    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^ {2}production: requests of .* nodes s-2vcpu-4gb/m),
    ]);
  });
});

describe("npm run validate can't run", () => {
  test.each([
    [
      "without kubectl",
      ["validate"],
      { PATH: "/nowhere", XDG_CACHE_HOME: "/nowhere" },
      /^kubectl is not installed: "mise install"/,
    ],
    [
      "for an environment that is not there",
      ["validate", "--environment", "test", "--configuration", "infrastructure.config.json.example"],
      {},
      /^--environment test: infrastructure\.config\.json\.example has no such environment, only staging, production$/m,
    ],
    [
      "with a configuration that is not there",
      ["validate", "--configuration", "missing.json"],
      {},
      /^missing\.json: 1 problem\n {2}missing\.json: the file is missing/,
    ],
  ])("%s: code 2", (_, args, variables, message) => {
    const { code, stderr } = cli(args, variables);

    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

/** PATH with nothing of this machine's but what the command itself needs. */
function pathWithoutKubeconform(): string {
  return (process.env.PATH ?? "")
    .split(":")
    .filter((folder) => !existsSync(join(folder, "kubeconform")))
    .join(":");
}
