import { createHash } from "node:crypto";
import { cpSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { EXAMPLE_TEXT, REPOSITORY } from "../support/example";
import { cli, SandboxProject } from "../support/sandbox-project";

const ALL_STACKS = ["staging", "production"].flatMap((environment) =>
  ["cluster", "flux-configuration", "github-secrets"].map((kind) => `${environment}-${kind}`),
);

describe("a first deploy", () => {
  const project = new SandboxProject();
  let result: ReturnType<SandboxProject["run"]>;
  beforeAll(() => {
    result = project.run("deploy", "--yes", "--json");
  });
  afterAll(() => project.remove());

  test("succeeds and reports every stack", () => {
    expect([result.code, result.stderr.match(/failed|refused/i)]).toEqual([0, null]);
    const report = JSON.parse(result.stdout);
    expect(report.exitCode).toBe(0);
    expect(report.stacks.map(({ name, status }: any) => [name, status])).toEqual(
      ALL_STACKS.map((name) => [name, "applied"]),
    );
  });

  test("makes a cluster per environment with its workload pool", () => {
    const { outputs } = project.json("state", "staging-cluster.tfstate");
    expect(outputs.cluster_name.value).toBe("my-startup-staging");
    expect(project.read("clouds", "digitalocean.json")).toContain("workload-s-2vcpu-4gb");
    expect(project.read("clouds", "digitalocean.json")).toContain("workload-s-4vcpu-8gb");
  });

  test("writes the ConfigMaps into each cluster", () => {
    expect(
      parse(project.configMap("production", "infrastructure-config")["values.yaml"] ?? ""),
    ).toMatchObject({
      resourceProfiles: { medium: { requests: { cpu: "1000m", memory: "1Gi" } } },
      storage: { bulk: { size: "100Gi" } },
      cluster: { domain: "acme.example", nodeCount: 3 },
    });
    expect(project.configMap("staging", "infrastructure-vars").infraConfig_storage_bulk_size).toBe("50Gi");
  });

  test("configures the tree with sed and keeps the originals", () => {
    const release = ["apps", "mattermost", "staging", "helm-release.yaml"];
    expect(project.read("flux", ...release)).toContain("https://chat.staging.acme.example");
    expect(project.read("flux", ".backups", ...release.slice(0, -1), "helm-release.yaml.orig")).toContain(
      "https://chat.staging.example.com",
    );
  });

  test("leaves no secret in synthesized files, plans, states, logs and output", () => {
    const secrets = [project.read(".secrets", "staging", "webhook-token").trim(), "openssh-key-v1"];
    const key = project.read(".secrets", "staging", "deploy-key").split("\n")[3] ?? "";
    for (const file of project.files().filter((path) => !path.includes("/.secrets/"))) {
      const text = project.read(file.slice(project.directory.length + 1));
      for (const secret of [...secrets, key]) expect([file, text.includes(secret)]).toEqual([file, false]);
    }
    for (const secret of [...secrets, key]) expect(result.stdout + result.stderr).not.toContain(secret);
  });

  test("names no path of this machine in states and backups", () => {
    const files = project.files().filter((path) => /\/(?:state|flux)\//.test(path));
    expect(files.length).toBeGreaterThan(20);
    for (const file of files) {
      expect([file, project.read(file.slice(project.directory.length + 1)).includes(REPOSITORY)]).toEqual([
        file,
        false,
      ]);
    }
  });

  test("is followed by an empty plan", () => {
    expect(project.run("diff").code).toBe(0);
    const again = project.run("deploy", "--yes");
    expect([again.code, again.stdout.includes("Nothing to change")]).toEqual([0, true]);
  });

  test("tells its outputs", () => {
    const outputs = JSON.parse(project.run("outputs", "--json").stdout);
    expect(outputs["production-cluster"]).toMatchObject({
      cluster_name: "my-startup-production",
      region: "nyc3",
    });
    expect(outputs["production-flux-configuration"].flux_path).toBe("flux/clusters/production");
  });

  test("configures a fresh clone although the state says that it was done", () => {
    rmSync(join(project.directory, "flux"), { recursive: true });
    cpSync(join(REPOSITORY, "flux"), join(project.directory, "flux"), { recursive: true });
    expect(project.run("diff").code).toBe(2);
    expect(project.run("deploy", "--yes").code).toBe(0);
    expect(project.read("flux", "apps", "mattermost", "staging", "helm-release.yaml")).toContain(
      "chat.staging.acme.example",
    );
    expect(project.run("diff").code).toBe(0);
  });

  test("a larger node rolls the pool, keeps the cluster, and grows profiles and storage", () => {
    const before = project.json("state", "staging-cluster.tfstate").outputs.cluster_id.value;
    project.configure((document) => {
      document.environments[0].cluster.nodeSize = "s-4vcpu-8gb";
    });
    const diff = JSON.parse(project.run("diff", "--json").stdout);
    expect(
      diff.stacks.filter(({ changes }: any) => changes).map(({ name, counts }: any) => [name, counts]),
    ).toEqual([
      ["staging-cluster", { created: 0, changed: 0, replaced: 1, destroyed: 0 }],
      ["staging-flux-configuration", { created: 0, changed: 2, replaced: 0, destroyed: 0 }],
    ]);
    const grown = project.run("deploy", "--yes");
    expect(grown.code).toBe(0);
    // Nodes grow before the applications do.
    const done = [...grown.stdout.matchAll(/(staging-\S+) +done:/g)].map(([, stack]) => stack);
    expect(done).toEqual(["staging-cluster", "staging-flux-configuration"]);
    expect(project.json("state", "staging-cluster.tfstate").outputs.cluster_id.value).toBe(before);
    const variables = project.configMap("staging", "infrastructure-vars");
    expect(variables.infraConfig_storage_bulk_size).toBe("100Gi");
    expect(JSON.parse(variables.infraConfig_applications_mattermost_resources ?? "").requests).toEqual({
      cpu: "500m",
      memory: "512Mi",
    });
    expect(project.run("diff").code).toBe(0);
  });

  test("a smaller node would shrink the storage: refused with the line that keeps it, nothing touched", () => {
    project.configure((document) => {
      document.environments[0].cluster.nodeSize = "s-2vcpu-4gb";
    });
    const clouds = () =>
      createHash("sha256").update(project.read("clouds", "digitalocean.json")).digest("hex");
    const before = clouds();
    const refused = project.run("deploy", "--yes");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('"storage": {"fast":{"size":"10Gi"},"bulk":{"size":"100Gi"}}');
    expect(clouds()).toBe(before);
    project.configure((document) => {
      document.environments[0].storage = { fast: { size: "10Gi" }, bulk: { size: "100Gi" } };
    });
    const kept = project.run("deploy", "--yes");
    expect(kept.code).toBe(0);
    expect(project.configMap("staging", "infrastructure-vars").infraConfig_storage_bulk_size).toBe("100Gi");
    // Applications shrink before their nodes do.
    const done = [...kept.stdout.matchAll(/(staging-\S+) +done:/g)].map(([, stack]) => stack);
    expect(done).toEqual(["staging-flux-configuration", "staging-cluster"]);
  });

  test("a region can't be changed under a running cluster: refused with the reason and the way", () => {
    project.configure((document) => {
      document.environments[0].cluster.region = "fra1";
    });
    const refused = project.run("deploy", "--yes");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /digitalocean_kubernetes_cluster\.cluster would be replaced, the cluster with everything that runs in it \(region: "nyc3" -> "fra1"/,
    );
    expect(refused.stderr).toContain(`npm run destroy -- --sandbox ${project.name} --environment staging`);
    expect(project.run("diff").code).toBe(1);
    project.configure((document) => {
      document.environments[0].cluster.region = "nyc3";
    });
  });

  test("an application can't move to a smaller storage class: its volume would shrink", () => {
    const move = (storage: string) =>
      project.configure((document) => {
        document.applications.nextcloud.storage = storage;
      });
    move("fast");
    const refused = project.run("deploy", "--yes");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("the volume of nextcloud would shrink from 100Gi to 10Gi"),
    ]);
    move("bulk");
  });

  test("the highly available control plane can't be given up: refused before anything is touched", () => {
    const change = (ha: boolean) =>
      project.configure((document) => {
        document.environments[1].cluster.haControlPlane = ha;
      });
    change(false);
    const refused = project.run("deploy", "--yes");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("cluster.haControlPlane would go from true to false"),
    ]);
    change(true);
  });

  test("a cluster that is gone is made anew, with what is in it", () => {
    const cloud = JSON.parse(project.read("clouds", "digitalocean.json"));
    const id = project.json("state", "staging-cluster.tfstate").outputs.cluster_id.value;
    const withoutCluster = JSON.parse(JSON.stringify(cloud), (key, value) =>
      key === id ? undefined : value,
    );
    project.write(["clouds", "digitalocean.json"], JSON.stringify(withoutCluster, null, 2));
    expect(project.run("deploy", "--yes").stderr).toContain("[missing-in-cloud]");
    expect(project.run("deploy", "--yes", "--allow", "missing-in-cloud").code).toBe(0);
    expect(project.json("state", "staging-cluster.tfstate").outputs.cluster_id.value).not.toBe(id);
    expect(project.configMap("staging", "infrastructure-vars").infraConfig_cluster_name).toBe(
      "my-startup-staging",
    );
    expect(project.run("diff").code).toBe(0);
  });

  test("variables of terraform's own don't mislead it", () => {
    const env = {
      TF_WORKSPACE: "other",
      TF_DATA_DIR: join(project.directory, "elsewhere"),
      TF_CLI_ARGS: "-no-such-flag",
    };
    const result = cli(["diff", "--sandbox", project.name], env);
    expect([result.code, project.exists("elsewhere")]).toEqual([0, false]);
  });

  test("states and plans are their owner's alone, since they hold credentials of the clusters", () => {
    const files = project.files().filter((file) => /\.(?:tfstate|tfplan)$/.test(file));
    expect(files.length).toBeGreaterThan(6);
    for (const file of files) expect([file, (statSync(file).mode & 0o077).toString(8)]).toEqual([file, "0"]);
  });

  test("what cdktf.out lost or had broken is made anew", () => {
    project.write(["cdktf.out", "manifest.json"], "{");
    rmSync(
      join(project.directory, "cdktf.out", "stacks", "staging-cluster", ".terraform", "terraform.tfstate"),
    );
    expect(project.run("diff").code).toBe(0);
  });

  test("a lost record of the static configuration is told", () => {
    const backups = join(project.directory, "flux", ".backups");
    cpSync(backups, `${project.directory}/kept`, { recursive: true });
    rmSync(backups, { recursive: true });
    expect(project.run("deploy", "--yes").stderr).toContain(
      `Note: .sandbox/${project.name}/flux/.backups/configured.txt is missing`,
    );
    cpSync(`${project.directory}/kept`, backups, { recursive: true });
    expect(project.run("deploy", "--yes").stderr).toBe("");
  });

  test("one command at a time works in a sandbox, and a lock whose process is gone is taken over", async () => {
    const first = project.start("diff");
    await new Promise((resolve) => first.stdout?.once("data", resolve));
    const second = project.run("diff");
    expect([second.code, second.stderr]).toEqual([
      1,
      expect.stringContaining(
        `\`npm run diff -- --sandbox ${project.name}\` is at work here (process ${first.pid})`,
      ),
    ]);
    const ended = new Promise((resolve) => first.once("close", resolve));
    first.kill("SIGKILL");
    await ended;
    expect(project.run("diff").code).toBe(0);
  });

  test("production's protection is told in the words of the configuration", () => {
    project.configure((document) => {
      document.project.domain = "other.example";
    });
    const refused = project.run("deploy", "--yes");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("digitalocean_domain.domain is protected"),
    ]);
    project.configure((document) => {
      document.project.domain = "acme.example";
    });
  });

  test("an environment that is taken out of the configuration while it is deployed isn't forgotten", () => {
    let staging: unknown;
    project.configure((document) => {
      staging = document.environments.shift();
    });
    for (const command of ["diff", "deploy"]) {
      const result = project.run(command, ...(command === "deploy" ? ["--yes"] : []));
      expect([result.code, result.stderr]).toEqual([
        1,
        expect.stringMatching(/staging-cluster.*deployed, but no longer in/),
      ]);
    }
    project.configure((document) => {
      document.environments.unshift(staging);
    });
    expect(project.run("diff").code).toBe(0);
  });

  test("restore brings the originals back, and refuses a file that was edited since", () => {
    const release = ["flux", "apps", "mattermost", "staging", "helm-release.yaml"];
    const original = project.read(
      "flux",
      ".backups",
      "apps",
      "mattermost",
      "staging",
      "helm-release.yaml.orig",
    );
    const configured = project.read(...release);
    project.write(release, `${configured}# mine\n`);
    const refused = project.run("restore");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("flux/apps/mattermost/staging/helm-release.yaml"),
    ]);
    project.write(release, configured);
    expect(project.run("restore").code).toBe(0);
    expect(project.read(...release)).toBe(original);
  });

  test("the Flux configuration alone can be destroyed and deployed again: its namespace stays", () => {
    const destroyed = project.run("destroy", "--stack", "staging-flux-configuration", "--yes");
    expect([destroyed.code, destroyed.stderr]).toEqual([0, ""]);
    const deployed = project.run("deploy", "--yes");
    expect([deployed.code, deployed.stderr]).toEqual([0, ""]);
    expect(project.configMap("staging", "infrastructure-vars").infraConfig_cluster_name).toBe(
      "my-startup-staging",
    );
  });

  test("staging can be destroyed without a rest, production can't", () => {
    const unnamed = project.run("destroy", "--yes");
    expect([unnamed.code, unnamed.stderr]).toEqual([
      1,
      expect.stringContaining(
        `Name what to destroy: npm run destroy -- --sandbox ${project.name} --environment staging`,
      ),
    ]);
    const refused = project.run("destroy", "--environment", "production", "--yes");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("production is protected")]);
    const result = project.run("destroy", "--environment", "staging", "--yes");
    expect([result.code, result.stderr]).toEqual([0, ""]);
    expect(project.read("clouds", "digitalocean.json")).not.toContain("my-startup-staging");
    expect(project.read("clouds", "github.json")).not.toContain("STAGING_");
    expect(project.read("clouds", "digitalocean.json")).toContain("my-startup-production");
    expect(project.run("destroy", "--environment", "staging", "--yes").stdout).toContain(
      "Nothing to destroy",
    );
  });
});

describe("before anything is deployed", () => {
  const project = new SandboxProject();
  afterAll(() => project.remove());

  test("diff plans every stack, on assumed outputs where it has to, and changes nothing", () => {
    const result = project.run("diff", "--json", "--markdown", join(project.directory, "comment.md"));
    expect(result.code).toBe(2);
    const { stacks } = JSON.parse(result.stdout);
    expect(stacks.map(({ name, assumed }: any) => [name, assumed])).toEqual([
      ["staging-cluster", []],
      ["staging-flux-configuration", ["staging-cluster"]],
      ["staging-github-secrets", ["staging-cluster", "staging-flux-configuration"]],
      ["production-cluster", []],
      ["production-flux-configuration", ["production-cluster"]],
      ["production-github-secrets", ["production-cluster", "production-flux-configuration"]],
    ]);
    expect(stacks.every(({ counts }: any) => counts.created > 0)).toBe(true);
    expect(project.exists("clouds", "kubernetes")).toBe(false);
    expect(project.read("comment.md")).toMatch(/^<!-- hybrid-gitops:diff -->\n\n### Plan: \d+ created/);
    expect(project.read("comment.md")).toContain("| staging-flux-configuration (assumed) | 4 | 0 | 0 | 0 |");
  });

  test("without a yes and without a person nothing is applied", () => {
    const result = project.run("deploy");
    expect([result.code, result.stderr]).toEqual([1, expect.stringContaining("Pass --yes")]);
    expect(project.exists("clouds", "kubernetes")).toBe(false);
  });

  test("a stack alone needs what it builds on", () => {
    const result = project.run("deploy", "--yes", "--stack", "staging-flux-configuration");
    expect([result.code, result.stderr]).toEqual([
      1,
      expect.stringContaining("staging-cluster must be deployed first"),
    ]);
  });

  test("one environment can be deployed by itself", () => {
    const report = JSON.parse(project.run("deploy", "--yes", "--json", "--environment", "staging").stdout);
    expect(report.stacks.map(({ name }: any) => name)).toEqual(ALL_STACKS.slice(0, 3));
    expect(project.exists("state", "production-cluster.tfstate")).toBe(false);
  });

  test.each([
    [
      ["--environment", "stagin"],
      "--environment stagin: there is no such environment, expected staging (nearest of 2)",
    ],
    [
      ["--stack", "staging-clutser"],
      "--stack staging-clutser: there is no such stack, expected staging-cluster",
    ],
  ])("%j is answered with the nearest name", (args, message) => {
    const result = project.run("diff", ...args);
    expect([result.code, result.stderr]).toEqual([1, expect.stringContaining(message)]);
  });
});

describe("failures", () => {
  const project = new SandboxProject((document) => {
    document.environments = [document.environments[0]];
    delete document.github;
  });
  afterAll(() => project.remove());

  test("a cloud's error is told with the resource, the rest is skipped with its reason, and the next deploy goes on", () => {
    const fault = {
      provider: "digitalocean",
      type: "digitalocean_kubernetes_node_pool",
      operation: "create",
      fault: "500",
      times: 1,
    };
    project.run("diff");
    project.write(["clouds", "faults.json"], JSON.stringify([fault]));
    const broken = project.run("deploy", "--yes", "--json");
    expect(broken.code).toBe(1);
    const { stacks } = JSON.parse(broken.stdout);
    expect(stacks.map(({ name, status }: any) => [name, status])).toEqual([
      ["staging-cluster", "partly applied"],
      ["staging-flux-configuration", "not begun"],
    ]);
    expect(broken.stderr).toContain("digitalocean_kubernetes_node_pool.node-pool-workload");
    expect(broken.stderr).toMatch(/^ *[\d.]+s {2}staging-cluster +failed; see the summary$/m);
    expect(broken.stderr).toContain("not begun, since staging-cluster did not succeed");

    const next = JSON.parse(project.run("deploy", "--yes", "--json").stdout);
    expect(next.exitCode).toBe(0);
    expect(project.run("diff").code).toBe(0);
  });

  test("drift in the cloud is shown and mended", () => {
    const cloud = project.read("clouds", "digitalocean.json");
    project.write(
      ["clouds", "digitalocean.json"],
      cloud.replaceAll('"surge_upgrade": true', '"surge_upgrade": false'),
    );
    expect(project.run("diff").code).toBe(2);
    expect(project.run("deploy", "--yes").code).toBe(0);
    const withoutTimes = (text: string) => text.replaceAll(/"updated_at": "[^"]*"/g, "");
    expect(withoutTimes(project.read("clouds", "digitalocean.json"))).toBe(withoutTimes(cloud));
  });

  test("an environment without its folder in flux/clusters is refused", () => {
    const other = new SandboxProject((document) => {
      document.environments[0].name = "qa";
    });
    const result = other.run("diff");
    expect([result.code, result.stderr]).toEqual([
      1,
      expect.stringContaining("flux/clusters/qa: the folder is missing"),
    ]);
    other.remove();
  });

  test("an interrupted apply ends cleanly, says so, and the next deploy completes it", async () => {
    const interrupted = new SandboxProject((document) => {
      document.environments = [document.environments[0]];
    });
    const child = interrupted.start("deploy", "--yes");
    let text = "";
    const code = await new Promise<number | null>((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding("utf8").on("data", (part: string) => {
          const before = text;
          text += part;
          if (!before.includes("created digitalocean_vpc") && text.includes("created digitalocean_vpc"))
            child.kill("SIGINT");
        });
      }
      child.once("close", resolve);
    });
    expect([code, text]).toEqual([
      130,
      expect.stringContaining("Interrupted: terraform finishes what it is doing"),
    ]);
    expect(text).toMatch(/ staging-cluster .* (?:applied|interrupted)\n/);
    expect(text).not.toMatch(/ failed\n| partly applied\n/);
    expect(text).toContain("staging-github-secrets: not begun, since interrupted with Ctrl-C");
    expect(text).toContain(`\`npm run deploy -- --sandbox ${interrupted.name}\` goes on from there`);
    expect(interrupted.run("deploy", "--yes").code).toBe(0);
    expect(interrupted.run("diff").code).toBe(0);
    interrupted.remove();
  });
});

describe("on the real clouds, without anything prepared", () => {
  test("deploy lists everything that is missing at once and points to the sandbox", () => {
    const { code, stderr } = cli(["deploy"]);
    expect(code).toBe(1);
    expect(stderr).toContain("DIGITALOCEAN_TOKEN is not set");
    expect(stderr).toMatch(/infrastructure\.config\.json: the file is missing|GITHUB_TOKEN is not set/);
    expect(stderr).toContain("npm run demo");
  });

  test("a token in the environment never reaches a sandbox", () => {
    const project = new SandboxProject((document) => {
      document.environments = [document.environments[0]];
    });
    const sentinel = "dop_v1_5e471e1d0000000000000000000000000000";
    const result = cli(["deploy", "--sandbox", project.name, "--yes"], {
      DIGITALOCEAN_TOKEN: sentinel,
      GITHUB_TOKEN: sentinel,
      SPACES_ACCESS_KEY_ID: sentinel,
    });
    expect(result.code).toBe(0);
    expect(result.stdout + result.stderr).not.toContain(sentinel);
    for (const file of project.files())
      expect([file, project.read(file.slice(project.directory.length + 1)).includes(sentinel)]).toEqual([
        file,
        false,
      ]);
    project.remove();
  });

  test("options that npm kept for itself are not taken for the real clouds", () => {
    const { code, stderr } = cli(["deploy"], { npm_lifecycle_event: "deploy", npm_config_sandbox: "demo" });
    expect([code, stderr]).toEqual([1, "npm consumed --sandbox. Run:  npm run deploy -- --sandbox demo\n"]);
  });

  test("a sandbox that doesn't exist is no empty one", () => {
    const { code, stderr } = cli(["outputs", "--sandbox", "no-such-sandbox"]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("--sandbox no-such-sandbox: there is no such sandbox"),
    ]);
  });

  test("an unknown option is answered with the nearest one", () => {
    const { code, stderr } = cli(["diff", "--enviroment", "x"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("Did you mean --environment?")]);
  });

  test("check-config reads the example's text from any file", () => {
    const project = new SandboxProject();
    expect(EXAMPLE_TEXT).toContain("my-startup");
    const { code, stdout } = cli(["check-config", project.configuration, "--json"]);
    expect([code, JSON.parse(stdout)]).toEqual([0, { valid: true, problems: [] }]);
    project.remove();
  });
});
