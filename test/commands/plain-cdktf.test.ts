import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describeWithSops } from "../secrets/sops-project";
import { REPOSITORY } from "../support/example";
import { cli, plainEnvironment, SandboxProject } from "../support/sandbox-project";

/** The plain cdktf CLI on the same cdktf.json, against the sandbox. */
describe("npx cdktf", () => {
  const project = new SandboxProject((document) => {
    document.environments = [document.environments[0]];
    delete document.github;
  });
  const cdktf = (...args: string[]) => cli(["sandbox", "--sandbox", project.name, "npx", "cdktf", ...args]);
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

  test("our own commands work beside a sandbox that is kept running", () => {
    const inside = `${process.execPath} scripts/hybrid-gitops.mjs diff --sandbox ${project.name}`;
    expect(cli(["sandbox", "--sandbox", project.name, "sh", "-c", inside]).code).toBe(0);
  });

  test("diff shows a change", () => {
    project.configure((document) => {
      document.environments[0].cluster.nodeCount = 3;
    });
    expect(cdktf("diff", "staging-cluster").stdout).toMatch(/1 to change/);
  });
});

describeWithSops("npx cdktf with secrets", () => {
  const project = new SandboxProject((document) => {
    document.environments = [document.environments[0]];
    delete document.github;
  });
  afterAll(() => project.remove());

  test("brings the key for decryption into the cluster when it is given, and stops when it isn't", () => {
    expect(cli(["secrets", "create", "--sandbox", project.name]).code).toBe(0);
    const key = /^AGE-SECRET-KEY-\S+$/m.exec(project.read(".secrets", "staging", "age.agekey"))?.[0];
    const deploy = (...variables: string[]) =>
      cli([
        ...["sandbox", "--sandbox", project.name, "env", ...variables],
        ...["npx", "cdktf", "deploy", "*", "--auto-approve"],
      ]);
    const without = deploy();
    expect([without.code, without.stdout + without.stderr]).toEqual([
      1,
      expect.stringContaining("the private key was not given: npm run deploy takes it from .secrets/staging"),
    ]);
    expect(deploy(`TF_VAR_sops_age_key=${key}`).code).toBe(0);
    expect(project.run("diff").code).toBe(0);
    expect(project.read("state", "staging-flux-configuration.tfstate")).not.toContain(key);
  });
});

test("outside the sandbox npx cdktf synth writes the same stacks, with the configuration's own state", () => {
  const outdir = mkdtempSync(join(tmpdir(), "cdktf-"));
  const result = spawnSync("npx", ["cdktf", "synth", "--output", relative(REPOSITORY, outdir)], {
    cwd: REPOSITORY,
    encoding: "utf8",
    env: {
      ...plainEnvironment(),
      HYBRID_GITOPS_CONFIG: join(REPOSITORY, "test", "config", "valid", "spaces-state.json"),
    },
  });
  expect([result.status, result.stdout]).toEqual([0, expect.stringContaining("production-github-secrets")]);
  const stack = JSON.parse(readFileSync(join(outdir, "stacks", "staging-cluster", "cdk.tf.json"), "utf8"));
  expect(stack.terraform.backend.s3.bucket).toBe("my-startup-state");
  rmSync(outdir, { recursive: true, force: true });
});
