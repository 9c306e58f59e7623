import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { loopbackIdentity } from "../../sandbox/api/certificate";
import { describeWithTools } from "../flux-tree/schema-tools";
import { REPOSITORY } from "../support/example";
import { type CliResult, cli, plainEnvironment, SandboxProject } from "../support/sandbox-project";

const FLUX_SYSTEM = "/api/v1/namespaces/flux-system/configmaps";

function environmentIn({ stdout }: CliResult, name: string): any {
  return JSON.parse(stdout).environments.find((environment: any) => environment.name === name);
}

const clusterId = (project: SandboxProject, environment: string): string =>
  project.json("state", `${environment}-cluster.tfstate`).outputs.cluster_id.value;

/** Changes a ConfigMap in the file of an environment's cluster, as somebody with kubectl would. */
function editConfigMap(
  project: SandboxProject,
  environment: string,
  name: string,
  edit: (map: any) => any,
): void {
  const path = ["clouds", "kubernetes", `${clusterId(project, environment)}.json`];
  const content = project.json(...path);
  const key = `flux-system/${name}`;
  content.objects.ConfigMap[key] = edit(content.objects.ConfigMap[key]);
  if (content.objects.ConfigMap[key] === undefined) delete content.objects.ConfigMap[key];
  project.write(path, JSON.stringify(content));
}

describe("before the first deploy", () => {
  const project = new SandboxProject();
  afterAll(() => project.remove());

  test("every stack is said to be not deployed, with the command that goes on, and nothing is made", () => {
    const before = project.files();
    const { code, stdout } = project.run("status");
    expect(code).toBe(2);
    for (const stack of ["staging-cluster", "production-github-secrets"])
      expect(stdout).toMatch(new RegExp(`not deployed +${stack}$`, "m"));
    expect(stdout).toContain(`npm run diff -- --sandbox ${project.name} --environment staging`);
    expect(stdout).toContain("staging is not as it should be: staging-cluster not deployed");
    expect(project.files().filter((file) => !before.includes(file))).toEqual([]);
  });

  test("one environment can be asked for, and an unknown one is a typing error", () => {
    const { stdout } = project.run("status", "--environment", "production");
    expect([stdout.includes("production-cluster"), stdout.includes("staging-cluster")]).toEqual([
      true,
      false,
    ]);
    const unknown = project.run("status", "--environment", "stagin");
    expect([unknown.code, unknown.stdout]).toEqual([1, ""]);
    expect(unknown.stderr).toContain("--environment stagin: there is no such environment, expected staging");
  });

  test("a sandbox that isn't there is a typing error too, and is not made", () => {
    const { code, stderr } = cli(["status", "--sandbox", "no-such-sandbox"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("there is no such sandbox")]);
  });
});

describeWithTools("secrets that are not created", { tools: ["kubectl"] }, () => {
  test("are not as it should be, and deploy, status and validate count the same", () => {
    const project = new SandboxProject((document) => {
      document.environments = [document.environments[0]];
    });
    try {
      const deployed = project.run("deploy", "--yes");
      const [, count = ""] = /not created yet \((\d+) in staging\)/.exec(deployed.stdout) ?? [];
      expect(Number(count)).toBeGreaterThan(20);
      const { code, stdout } = project.run("status");
      expect(code).toBe(2);
      expect(stdout).toMatch(
        new RegExp(`not created +${count} of ${count} secrets that applications wait for`),
      );
      expect(stdout).toContain(`staging is not as it should be: ${count} secrets not created.`);
      const validated = project.run("validate", "--environment", "staging");
      expect(validated.stdout + validated.stderr).toContain(
        `${count} secrets are not created yet in staging`,
      );
    } finally {
      project.remove();
    }
  });
});

describeWithTools("after a deploy", { tools: ["kubectl", "sops", "age-keygen"] }, () => {
  const project = new SandboxProject();
  beforeAll(() => {
    expect(project.run("deploy", "--yes").code).toBe(0);
    expect(cli(["secrets", "create", "--sandbox", project.name]).code).toBe(0);
    // The private key of the secrets is in the cluster, too.
    expect(project.run("deploy", "--yes").code).toBe(0);
  });
  afterAll(() => project.remove());

  test("all is as it should be, and a sandbox has no Flux", () => {
    const { code, stdout, stderr } = project.run("status");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/deployed +staging-cluster +5 resources/);
    expect(stdout.match(/in step +infrastructure-(?:config|vars) +\d+ values/g)).toHaveLength(4);
    expect(stdout).toMatch(/none +a sandbox has no Flux in it/);
    expect(stdout).toMatch(/in step +names in \.sandbox\/\S+\/flux\/$/m);
    expect(stdout.trim().split("\n").slice(-2)).toEqual([
      "All is as it should be.",
      `Not compared here: nodes, deploy keys, webhooks. See \`npm run diff -- --sandbox ${project.name}\`.`,
    ]);
  });

  test("a cluster that DigitalOcean reports as broken is named, and state check finds it", () => {
    const clouds = ["clouds", "digitalocean.json"];
    const before = project.read(...clouds);
    const account = JSON.parse(before);
    account.digitalocean_kubernetes_cluster[clusterId(project, "staging")].status = "error";
    project.write(clouds, JSON.stringify(account));
    try {
      const { code, stdout } = project.run("status");
      expect([code, stdout.replace(/\s+/g, " ")]).toEqual([
        2,
        expect.stringMatching(
          /error 1\.34.* reports the cluster's status "error".* no deploy repairs it.*staging is not as it should be: cluster in status "error"/,
        ),
      ]);
      const check = cli(["state", "check", "--sandbox", project.name]);
      expect([check.code, check.stderr]).toEqual([
        1,
        expect.stringContaining(`staging-cluster: DigitalOcean reports the cluster's status "error"`),
      ]);
      expect(check.stdout).not.toContain("Nothing is wrong");
    } finally {
      project.write(clouds, before);
    }
  });

  test.each([
    ["1.36", 'one minor version at a time: set cluster.version to "1.35" first'],
    ["1.35", "which DigitalOcean doesn't offer. It offers 1.34, 1.33"],
    ["1.33", undefined],
  ])("a configured Kubernetes %s: %j", (version, told) => {
    const text = project.read("infrastructure.config.json");
    project.configure(({ environments: [staging] }) => {
      staging.cluster.version = version;
    });
    const { code, stdout } = project.run("status", "--environment", "staging");
    project.write(["infrastructure.config.json"], text);
    const page = stdout.replace(/\s+/g, " ");
    expect([code, page.includes(`upgrade to Kubernetes ${version} waits`)]).toEqual(
      told ? [2, true] : [0, false],
    );
    expect(page).toContain(told ?? "All is as it should be");
  });

  test("a stack that the configuration no longer has is told, since no plan would", () => {
    const text = project.read("infrastructure.config.json");
    project.configure((document) => {
      delete document.github;
    });
    const { code, stdout } = project.run("status");
    project.write(["infrastructure.config.json"], text);
    expect(code).toBe(2);
    expect(stdout).toMatch(/not configured +staging-github-secrets$/m);
    expect(stdout.replace(/\s+/g, " ")).toContain("production-github-secrets deployed and not configured");
  });

  test("names in flux/ that are not the project's are told, with their files", () => {
    const file = ["flux", "clusters", "staging", "chatbox.yaml"];
    const text = project.read(...file);
    project.write(file, `${text}# my-cluster\n`);
    const { code, stdout } = project.run("status", "--environment", "staging");
    project.write(file, text);
    expect(code).toBe(2);
    expect(stdout).toMatch(/out of step +names in \.sandbox\/\S+\/flux\/ +1 file to be configured$/m);
    // Where the page breaks the line depends on the length of the sandbox's name.
    expect(stdout.replace(/\s+/g, " ")).toContain(
      `with placeholders or old names: .sandbox/${project.name}/flux/clusters/staging/chatbox.yaml`,
    );
  });

  test("a command that is at work beside it is named", () => {
    const lock = `${project.directory}.lock`;
    writeFileSync(lock, JSON.stringify({ pid: process.pid, command: "deploy" }));
    const { stdout } = project.run("status", "--environment", "staging");
    rmSync(lock);
    expect(stdout).toContain(
      `at work          npm run deploy -- --sandbox ${project.name} (process ${process.pid})`,
    );
  });

  test("commands are never broken across lines, and values of the cluster can't steer the terminal", () => {
    editConfigMap(project, "staging", "infrastructure-vars", (map) => ({
      ...map,
      data: { ...map.data, infraConfig_cluster_region: "\u001b[2Jnyc1\u0007" },
    }));
    const { stdout } = project.run("status", "--environment", "staging");
    editConfigMap(project, "staging", "infrastructure-vars", (map) => ({
      ...map,
      data: { ...map.data, infraConfig_cluster_region: "nyc3" },
    }));
    expect(stdout).toContain("cluster has \ufffd[2Jnyc1\ufffd, configuration says nyc3");
    const lines = stdout.split("\n").filter((line) => line.includes("npm run"));
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect([line, (line.match(/`/g)?.length ?? 1) % 2]).toEqual([line, 0]);
  });

  test("the page has no colours with NO_COLOR, on a dumb terminal and in a file", () => {
    const page = (variables: NodeJS.ProcessEnv) =>
      cli(["status", "--sandbox", project.name, "--environment", "staging"], variables).stdout;
    for (const variables of [{ NO_COLOR: "1" }, { NO_COLOR: "", TERM: "dumb", CI: "" }])
      expect(page(variables)).not.toContain("\u001b[");
    expect(page({ NO_COLOR: "", FORCE_COLOR: "1" })).toContain("\u001b[");
  });

  test("--json has everything on stdout, the page on stderr", () => {
    const result = project.run("status", "--json", "--environment", "staging");
    expect(result.stderr).toContain("All is as it should be.");
    expect(JSON.parse(result.stdout)).toMatchObject({ exitCode: 0, environments: [{ name: "staging" }] });
    expect(environmentIn(result, "staging")).toMatchObject({
      stacks: [{ name: "staging-cluster", state: "deployed", missing: [] }, {}, {}],
      cluster: {
        state: "reachable",
        id: clusterId(project, "staging"),
        configMaps: [
          { name: "infrastructure-config", state: "in step", watched: true, differences: [] },
          { name: "infrastructure-vars", state: "in step", watched: true, differences: [] },
        ],
        flux: { installed: false, expected: false },
      },
    });
  });

  test("it works while another command does, and leaves that one's lock and files alone", () => {
    const lock = join(REPOSITORY, ".sandbox", `${project.name}.lock`);
    const text = JSON.stringify({ pid: process.pid, command: "deploy" });
    writeFileSync(lock, text);
    try {
      expect(project.run("diff").stderr).toContain(
        `\`npm run deploy -- --sandbox ${project.name}\` is at work here`,
      );
      const before = project.files().map((file) => file.slice(project.directory.length));
      const marker = project.read("cdktf.out", "synthesized-from");
      expect(project.run("status").code).toBe(0);
      expect(project.files().map((file) => file.slice(project.directory.length))).toEqual(before);
      expect(project.read("cdktf.out", "synthesized-from")).toBe(marker);
      expect(project.read("..", `${project.name}.lock`)).toBe(text);
    } finally {
      rmSync(lock);
    }
  });

  test("a configuration that was changed and not deployed", () => {
    project.configure((document) => {
      document.environments[0].cluster.nodeSize = "s-4vcpu-8gb";
    });
    const { code, stdout } = project.run("status", "--environment", "staging");
    expect(code).toBe(2);
    expect(stdout).toMatch(/out of step +infrastructure-vars +\d+ of \d+ values differ/);
    expect(stdout).toMatch(/: cluster has \S+, configuration says \S+/);
    expect(stdout).toContain(`npm run deploy -- --sandbox ${project.name} --environment staging`);
    expect(stdout).toMatch(/and \d+ more, which --json lists/);
    const { cluster } = environmentIn(project.run("status", "--json"), "staging");
    expect(cluster.configMaps[1].differences).toContainEqual({
      name: "infraConfig_cluster_nodeSize",
      cluster: "s-2vcpu-4gb",
      configuration: "s-4vcpu-8gb",
    });
    project.configure((document) => {
      document.environments[0].cluster.nodeSize = "s-2vcpu-4gb";
    });
    expect(project.run("status", "--environment", "staging").code).toBe(0);
  });

  test("what was done to the ConfigMaps by hand: a value, the label, a deletion", () => {
    editConfigMap(project, "staging", "infrastructure-vars", (map) => {
      map.data.infraConfig_storage_bulk_size = "7Gi";
      return map;
    });
    editConfigMap(project, "staging", "infrastructure-config", (map) => {
      map.metadata.labels = {};
      return map;
    });
    editConfigMap(project, "production", "infrastructure-vars", () => undefined);
    const { code, stdout } = project.run("status");
    expect(code).toBe(2);
    expect(stdout).toMatch(/out of step +infrastructure-vars +1 of \d+ values differ/);
    expect(stdout).toContain("infraConfig_storage_bulk_size: cluster has 7Gi, configuration says 50Gi");
    expect(stdout).toMatch(
      /out of step +infrastructure-config\n +The label reconcile\.fluxcd\.io\/watch: Enabled is missing/,
    );
    expect(stdout).toMatch(/missing +infrastructure-vars$/m);
    expect(stdout).toMatch(/^production is not as it should be: infrastructure-vars missing\.$/m);
    expect(project.run("deploy", "--yes").code).toBe(0);
    expect(project.run("status").code).toBe(0);
  });

  test("a stack that was deployed in part names what is missing", () => {
    const path = ["state", "staging-flux-configuration.tfstate"];
    const whole = project.read(...path);
    const state = JSON.parse(whole);
    state.resources = state.resources.filter(({ name }: any) => name !== "infrastructure-vars");
    project.write(path, JSON.stringify(state));
    const { code, stdout } = project.run("status", "--environment", "staging");
    project.write(path, whole);
    expect(code).toBe(2);
    expect(stdout).toMatch(/partly deployed +staging-flux-configuration/);
    expect(stdout).toContain("missing: kubernetes_config_map_v1.infrastructure-vars");
  });

  test("a state that can't be read is not known, which is another exit code, and hides nothing else", () => {
    const path = ["state", "staging-cluster.tfstate"];
    const whole = project.read(...path);
    project.write(path, "{");
    const { code, stdout } = project.run("status");
    project.write(path, whole);
    expect(code).toBe(1);
    expect(stdout).toMatch(/unknown +staging-cluster\n +state of staging-cluster can't be read/);
    expect(stdout).toMatch(/in step +infrastructure-vars/);
  });

  test("without kubectl the rest is told, and how to get it", () => {
    const { code, stdout } = cli(["status", "--sandbox", project.name], {
      PATH: join(project.directory, "nothing"),
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/deployed +staging-cluster/);
    expect(stdout).toMatch(
      /unknown +what is in the cluster\n +kubectl is not installed, or not on PATH[\s\S]+mise install/,
    );
    expect(stdout).not.toContain("not reachable");
  });

  describe("with Flux in a real API", () => {
    let server: Server;
    let answers: Record<string, unknown>;
    let apis: string;
    beforeAll(async () => {
      const identity = await loopbackIdentity();
      server = createServer({ key: identity.key, cert: identity.certificate }, (request, response) => {
        const found = answers[new URL(request.url ?? "/", "https://127.0.0.1").pathname];
        response.writeHead(found ? 200 : 404, { "content-type": found ? "application/json" : "text/plain" });
        response.end(found ? JSON.stringify(found) : "404 page not found\n");
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      apis = join(project.directory, "apis.json");
      writeFileSync(
        apis,
        JSON.stringify({
          "my-startup-staging": {
            server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
            token: "a-token",
            ca: identity.certificate,
          },
        }),
      );
    });
    afterAll(() => server.close());

    const ofFlux = (name: string, status: string, message: string, more: object = {}) => ({
      metadata: { name, namespace: "flux-system", generation: 1 },
      spec: {},
      status: { observedGeneration: 1, conditions: [{ type: "Ready", status, message, ...more }] },
    });
    const list = (...items: object[]) => ({ items });
    /** The command runs in a process of its own, while this one's server answers. */
    async function status(...words: string[]): Promise<CliResult> {
      const child = spawn(
        process.execPath,
        [
          "scripts/hybrid-gitops.mjs",
          "status",
          "--sandbox",
          project.name,
          "--environment",
          "staging",
          ...words,
        ],
        { cwd: REPOSITORY, env: { ...plainEnvironment(), SANDBOX_KUBERNETES_API: apis } },
      );
      const [stdout, stderr]: [string[], string[]] = [[], []];
      child.stdout.on("data", (part) => stdout.push(String(part)));
      child.stderr.on("data", (part) => stderr.push(String(part)));
      const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
      return { code, stdout: stdout.join(""), stderr: stderr.join("") };
    }
    const kustomizations = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations";

    beforeEach(() => {
      const { objects } = project.json("clouds", "kubernetes", `${clusterId(project, "staging")}.json`);
      const revision = "main@sha1:0123456789abcdef0123456789abcdef01234567";
      answers = {
        ...Object.fromEntries(
          ["infrastructure-config", "infrastructure-vars"].map((name) => [
            `${FLUX_SYSTEM}/${name}`,
            objects.ConfigMap[`flux-system/${name}`],
          ]),
        ),
        "/apis/source.toolkit.fluxcd.io/v1/gitrepositories": list({
          ...ofFlux("flux-system", "True", `stored artifact for revision '${revision}'`),
          status: {
            conditions: [
              { type: "Ready", status: "True", message: `stored artifact for revision '${revision}'` },
            ],
            observedGeneration: 1,
            artifact: { revision },
          },
        }),
        "/apis/helm.toolkit.fluxcd.io/v2/helmreleases": list(
          ofFlux("fade", "True", "Helm install succeeded"),
        ),
        [kustomizations]: list(ofFlux("infrastructure-controllers", "True", "Applied revision")),
      };
    });

    test("all ready", async () => {
      const { code, stdout } = await status();
      expect(stdout).toMatch(
        /ready +GitRepository flux-system +main@sha1:01234567\n +stored artifact for revision/,
      );
      expect(stdout).toMatch(/ready +Kustomizations +1 of 1 ready/);
      expect(stdout).toMatch(/ready +HelmReleases +1 of 1 ready/);
      expect(code).toBe(0);
    });

    test("what fails comes with Flux's words and what helps, what waits in one line", async () => {
      const message =
        "post build failed for 'Deployment/chatbox': variable substitution failed: variable not set (strict mode): \"infraConfig_storage_bulk_sise\"";
      const waiting = (name: string) =>
        ofFlux(name, "False", "dependency 'flux-system/infrastructure-configs' is not ready", {
          reason: "DependencyNotReady",
        });
      answers[kustomizations] = list(
        ofFlux("infrastructure-configs", "False", message),
        waiting("chatbox"),
        waiting("fade"),
        { ...ofFlux("nextcloud", "True", "Applied"), spec: { suspend: true } },
        ofFlux("mattermost", "Unknown", "Reconciliation in progress"),
        ofFlux("fluxgate", "True", "Applied"),
      );
      const { code, stdout } = await status();
      expect(code).toBe(2);
      expect(stdout).toMatch(/not all ready +Kustomizations +1 of 6 ready/);
      const plain = stdout.replace(/\s+/g, " ");
      expect(plain).toContain(
        `failing Kustomization infrastructure-configs ${message} -> Nothing in the configuration gives`,
      );
      expect(plain).toContain(`npm run validate -- --sandbox ${project.name} --environment staging`);
      expect(plain).toContain(
        "waiting Kustomization chatbox, Kustomization fade, for Kustomization infrastructure-configs",
      );
      expect(plain).toContain("flux resume kustomization nextcloud -n flux-system");
      expect(plain).toContain("reconciling Kustomization mattermost Reconciliation in progress");
      expect(plain).toContain(
        "staging is not as it should be: 1 failing, 2 waiting, 1 reconciling, 1 suspended.",
      );
      expect(stdout.split("\n").filter((line) => line.length > 110)).toEqual([]);
    });

    test("Flux that follows nothing is not as it should be", async () => {
      answers[kustomizations] = list();
      const { code, stdout } = await status();
      expect([code, stdout.includes("Flux runs and follows no folder")]).toEqual([2, true]);
    });

    test("a cluster that doesn't answer is told, and the other environment all the same", async () => {
      const { server: address, ...rest } = project.json("apis.json")["my-startup-staging"];
      expect(address).toMatch(/^https:/);
      project.write(
        ["apis.json"],
        JSON.stringify({ "my-startup-staging": { ...rest, server: "https://127.0.0.1:1" } }),
      );
      const result = cli(["status", "--sandbox", project.name], { SANDBOX_KUBERNETES_API: apis });
      expect(result.code).toBe(1);
      expect(result.stdout).toMatch(/not reachable[\s\S]+127\.0\.0\.1:1 was refused/);
      expect(result.stdout).toMatch(/production[\s\S]+in step +infrastructure-vars/);
      expect(result.stdout).toContain("staging is not as it should be: cluster not reachable.");
    });
  });

  test("a cluster that was deleted in the cloud is gone, which is known", () => {
    const content = project.json("clouds", "digitalocean.json");
    delete content.digitalocean_kubernetes_cluster[clusterId(project, "staging")];
    project.write(["clouds", "digitalocean.json"], JSON.stringify(content));
    const { code, stdout } = project.run("status");
    expect(code).toBe(2);
    expect(stdout).toMatch(/gone +[0-9a-f-]{36}\n +Terraform's state has it/);
    expect(stdout).toMatch(/^staging is not as it should be: cluster gone\.$/m);
    expect(stdout).toMatch(/production[\s\S]+in step +infrastructure-vars/);
  });
});
