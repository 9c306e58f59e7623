import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseAllDocuments } from "yaml";
import { CONFIGURATION_FILE } from "../../src/config";
import { describeWithTools } from "../flux-tree/schema-tools";
import { REPOSITORY } from "../support/example";
import { cli, SandboxProject } from "../support/sandbox-project";

const hasOwnConfiguration = existsSync(path.join(REPOSITORY, CONFIGURATION_FILE));

const objectsOf = (text: string): any[] => parseAllDocuments(text).map((document) => document.toJS());

// Needs no tools: nothing is rendered.
test("a broken configuration of a sandbox is named as the sandbox's own", () => {
  const broken = new SandboxProject();
  try {
    mkdirSync(path.join(broken.directory, "flux"));
    broken.write([CONFIGURATION_FILE], "{");
    const { code, stderr } = broken.run("preview", "--environment", "staging");
    expect(code).toBe(1);
    expect(stderr).toContain(`.sandbox/${broken.name}/${CONFIGURATION_FILE}`);
    expect(stderr).not.toMatch(/(?<!\/)infrastructure\.config\.json/);
  } finally {
    broken.remove();
  }
});

describeWithTools("preview", { tools: ["kubectl", "helm"] }, () => {
  let sandbox: SandboxProject;
  beforeAll(() => {
    sandbox = new SandboxProject();
    // Makes the sandbox's copy of the tree, without deploying.
    expect(sandbox.run("synth").code).toBe(0);
  });
  afterAll(() => sandbox.remove());

  const preview = (...args: string[]) => sandbox.run("preview", ...args);

  it("prints what Flux applies, with the project's names and sizes and where each object is from", () => {
    const { code, stdout, stderr } = preview("--environment", "production", "--system", "mattermost");
    expect(code).toBe(0);
    expect(stderr).toMatch(/still have to get the project's names/);
    const objects = objectsOf(stdout);
    expect(stdout.match(/^---$/gm)).toHaveLength(objects.length);
    expect(stdout).toContain(
      "---\n# mattermost: flux/apps/mattermost/base/helm-release.yaml\napiVersion: helm.toolkit.fluxcd.io/v2\n",
    );
    const release = objects.find(({ kind }) => kind === "HelmRelease");
    expect(release.spec.values.resources.requests).toEqual({ cpu: "1000m", memory: "1Gi" });
    expect(stdout).toContain("chat.acme.example");
    expect(stdout).not.toMatch(/example\.com|my-cluster|infraConfig/);
  });

  it("has the whole environment without --system, charts of this repository included", () => {
    const { stdout } = preview("--environment", "staging");
    const systems = new Set([...stdout.matchAll(/^# ([\w-]+): /gm)].map(([, name]) => name));
    const folder = readdirSync(path.join(REPOSITORY, "flux/clusters/staging"));
    const files = folder.filter((file) => file.endsWith(".yaml")).map((file) => file.replace(".yaml", ""));
    expect([...systems].sort()).toEqual(files.sort());
    expect(stdout).toMatch(/^# fade: chart helm\/fade of HelmRelease fade$/m);
    expect(stdout).not.toContain("${infraConfig");
  });

  it("chooses kinds, however they are written", () => {
    const { stdout } = preview(
      "--environment",
      "production",
      "--system",
      "mattermost",
      "--kind",
      "helmrepository",
      "--kind",
      "Namespace",
    );
    expect([...new Set(objectsOf(stdout).map(({ kind }) => kind))].sort()).toEqual([
      "HelmRepository",
      "Namespace",
    ]);
  });

  it("gives scripts JSON and nothing else on stdout", () => {
    const { code, stdout } = preview(
      "--environment",
      "production",
      "--system",
      "mattermost",
      "--kind",
      "Namespace",
      "--json",
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      {
        system: "mattermost",
        source: "flux/apps/mattermost/base/namespace.yaml",
        object: expect.objectContaining({ kind: "Namespace" }),
      },
    ]);
  });

  it("shows what other nodes would change, and says so in its exit code", () => {
    const { code, stdout } = preview(
      "--environment",
      "production",
      "--system",
      "mattermost",
      "--node-size",
      "s-8vcpu-16gb",
    );
    expect(code).toBe(2);
    expect(stdout).toContain("--- HelmRelease flux-system/mattermost-team-edition, s-4vcpu-8gb × 3\n");
    expect(stdout).toContain("+++ HelmRelease flux-system/mattermost-team-edition, s-8vcpu-16gb × 3\n");
    expect(stdout).toMatch(/^-\s+cpu: 1000m$/m);
    expect(stdout).toMatch(/^\+\s+cpu: 2000m$/m);
    expect(stdout).not.toContain("kind: Namespace");
    expect(stdout).toMatch(/^\d+ of \d+ objects change from s-4vcpu-8gb × 3 to s-8vcpu-16gb × 3\.$/m);
  });

  it("says that the same nodes change nothing", () => {
    const { code, stdout } = preview(
      "--environment",
      "production",
      "--system",
      "mattermost",
      "--node-size",
      "s-4vcpu-8gb",
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^0 of \d+ objects change/);
  });

  it.each<[string, readonly string[], RegExp]>([
    ["no environment", [], /required option '--environment <name>'/],
    [
      "an unknown environment",
      ["--environment", "stagin"],
      /--environment stagin: the configuration has staging and production; did you mean staging\?/,
    ],
    [
      "an unknown system",
      ["--environment", "staging", "--system", "x"],
      /--system x: there is none, only .*mattermost/,
    ],
    [
      "an unknown kind",
      ["--environment", "staging", "--system", "mattermost", "--kind", "x"],
      /--kind x: there is none, only .*Namespace/,
    ],
    [
      "a node size that can't be",
      ["--environment", "staging", "--node-size", "s-4vcp"],
      /environments\[0\]\.cluster\.nodeSize/,
    ],
  ])("tells of %s", (_, args, message) => {
    const { code, stdout, stderr } = preview(...args);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
  });

  it("changes nothing, locks nothing and leaves nothing behind", () => {
    const leftovers = (): string[] =>
      readdirSync(tmpdir()).filter((name) => name.startsWith("hybrid-gitops-preview-"));
    const before = sandbox.files();
    const others = leftovers();
    expect(preview("--environment", "staging", "--system", "mattermost").code).toBe(0);
    expect(sandbox.files()).toEqual(before);
    expect(leftovers().filter((name) => !others.includes(name))).toEqual([]);
  });
});

test.each([
  ["../../etc", '--sandbox "../../etc": the name of a sandbox has '],
  ["no-such-sandbox", "--sandbox no-such-sandbox: there is no such sandbox"],
])("a sandbox that is none is told: %s", (name, message) => {
  const { code, stderr } = cli(["preview", "--environment", "staging", "--sandbox", name]);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
});

test("a sandbox whose first deploy was cut off is told", () => {
  const name = `cut-off-${process.pid}`;
  const directory = path.join(REPOSITORY, ".sandbox", name);
  mkdirSync(directory, { recursive: true });
  try {
    const { code, stderr } = cli(["preview", "--environment", "staging", "--sandbox", name]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `--sandbox ${name}: .sandbox/${name}/flux is missing; npm run deploy -- --sandbox ${name} makes it`,
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

if (!hasOwnConfiguration) {
  describeWithTools("preview without a configuration", { tools: ["kubectl"] }, () => {
    it("is that of the example, and says so", () => {
      const { stderr } = cli(["preview", "--environment", "staging", "--system", "infrastructure-configs"]);
      expect(stderr).toContain("There is no infrastructure.config.json: this is the preview of");
    });
  });
}
