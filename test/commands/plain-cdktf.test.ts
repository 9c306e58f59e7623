import { cli, SandboxProject } from "../support/sandbox-project";

/** The plain cdktf CLI on the same cdktf.json, against the sandbox. */
describe("npx cdktf", () => {
  const project = new SandboxProject((document) => {
    document.environments = [document.environments[0]];
    delete document.github;
  });
  const cdktf = (...args: string[]) => cli(["sandbox", "--name", project.name, "npx", "cdktf", ...args]);
  afterAll(() => project.remove());

  test("synth writes the stacks", () => {
    const result = cdktf("synth");
    expect([result.code, result.stdout]).toEqual([0, expect.stringContaining("staging-cluster")]);
  });

  test("deploy '*' deploys all of them in order", () => {
    const result = cdktf("deploy", "*", "--auto-approve");
    expect([result.code, result.stderr]).toEqual([0, expect.anything()]);
    expect(project.configMap("staging", "infrastructure-vars").infraConfig_cluster_name).toBe(
      "my-startup-staging",
    );
    expect(project.read("flux", "apps", "mattermost", "staging", "helm-release.yaml")).toContain(
      "chat.staging.acme.example",
    );
  });

  test("diff of a stack sees what our own commands see: nothing", () => {
    const result = cdktf("diff", "staging-flux-configuration");
    expect([result.code, result.stdout]).toEqual([0, expect.stringContaining("No changes")]);
    expect(project.run("diff").code).toBe(0);
  });

  test("diff shows a change", () => {
    project.configure((document) => {
      document.environments[0].cluster.nodeCount = 3;
    });
    expect(cdktf("diff", "staging-cluster").stdout).toMatch(/1 to change/);
  });
});
