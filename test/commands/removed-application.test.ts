import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applicationsWithoutTree, EXAMPLE_FILE, loadProject } from "../../src/config";
import { infrastructureVariables, valuesYaml } from "../../src/flux";
import { KEPT_APPLICATIONS } from "../flux-tree/tree";
import { REPOSITORY } from "../support/example";
import { cli, SandboxProject } from "../support/sandbox-project";

describe("an application that was removed from the tree", () => {
  test("is left out of an environment's values, unless its folder, its entry or the configuration has it", () => {
    const tree = mkdtempSync(join(tmpdir(), "tree-"));
    try {
      for (const folder of ["clusters/staging", "clusters/production", "apps/chatbox"])
        mkdirSync(join(tree, "flux", folder), { recursive: true });
      writeFileSync(join(tree, "flux/clusters/staging/fade.yaml"), "");
      const applications = (options: { tree?: string }) =>
        loadProject(join(REPOSITORY, EXAMPLE_FILE), options).environments.map((one) =>
          Object.keys(one.applications),
        );
      // The configuration names mattermost and nextcloud.
      expect(applications({ tree })).toEqual([
        ["chatbox", "fade", "mattermost", "nextcloud"],
        ["chatbox", "mattermost", "nextcloud"],
      ]);
      const all = ["chatbox", "fade", "fluxgate", "mattermost", "nextcloud", "traversion"];
      expect(applications({ tree: join(tree, "nowhere") })).toEqual([all, all]);
      const example = loadProject(join(REPOSITORY, EXAMPLE_FILE), { tree });
      expect(applicationsWithoutTree(example, tree)).toEqual(["mattermost", "nextcloud"]);
      expect(applicationsWithoutTree(example, join(tree, "nowhere"))).toEqual([]);
      const [staging] = example.environments;
      expect(JSON.stringify(infrastructureVariables(staging as never))).not.toContain("traversion");
      expect(valuesYaml(staging as never)).not.toContain("traversion");
      for (const name of all) mkdirSync(join(tree, "flux/apps", name), { recursive: true });
      expect(applications({ tree })).toEqual([all, all]);
    } finally {
      rmSync(tree, { recursive: true, force: true });
    }
  });

  test("is in neither ConfigMap of the synthesized stacks", () => {
    const directory = mkdtempSync(join(tmpdir(), "project-"));
    try {
      cpSync(join(REPOSITORY, "flux"), join(directory, "flux"), { recursive: true });
      cpSync(join(REPOSITORY, EXAMPLE_FILE), join(directory, "infrastructure.config.json"));
      // Whatever this repository has kept: chatbox is there, fluxgate in production only.
      mkdirSync(join(directory, "flux/apps/chatbox"), { recursive: true });
      for (const path of ["apps/fluxgate", "clusters/staging/fluxgate.yaml"])
        rmSync(join(directory, "flux", path), { recursive: true, force: true });
      writeFileSync(join(directory, "flux/clusters/production/fluxgate.yaml"), "");
      const { code, stderr } = cli(["app"], {
        CDKTF_OUTDIR: join(directory, "out"),
        HYBRID_GITOPS_DIRECTORY: directory,
      });
      expect([code, stderr]).toEqual([0, ""]);
      const dataOf = (environment: string): string[] => {
        const file = join(directory, "out/stacks", `${environment}-flux-configuration`, "cdk.tf.json");
        const maps = JSON.parse(readFileSync(file, "utf8")).resource.kubernetes_config_map_v1;
        return Object.values<any>(maps).map(({ data }) => JSON.stringify(data));
      };
      expect(dataOf("staging")).toHaveLength(2);
      for (const data of dataOf("staging")) {
        expect(data).toContain("chatbox");
        expect(data).not.toContain("fluxgate");
      }
      // Production's cluster still has an entry for it.
      for (const data of dataOf("production")) expect(data).toContain("fluxgate");
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

test("an application that was removed in a sandbox's own flux/ stays removed with the next deploy, which takes its values along", () => {
  // Any that this repository has kept, and that no configuration names.
  const [application] = KEPT_APPLICATIONS;
  if (application === undefined) return;
  const project = new SandboxProject((document) => {
    for (const one of [document, ...document.environments]) delete one.applications;
  });
  try {
    expect(project.run("deploy", "--yes", "--environment", "staging").code).toBe(0);
    const removed = [`flux/apps/${application}`, `flux/clusters/staging/${application}.yaml`];
    for (const path of removed) rmSync(join(project.directory, path), { recursive: true });
    rmSync(join(project.directory, `flux/clusters/production/${application}.yaml`));

    const deploy = project.run("deploy", "--yes", "--environment", "staging");
    expect(deploy.code).toBe(0);
    expect(deploy.stdout).toMatch(new RegExp(`applications\\.${application}\\.replicas: \\d+ -> \\(none\\)`));
    expect(removed.filter((path) => project.exists(path))).toEqual([]);
    const clusters = readdirSync(join(project.directory, "clouds/kubernetes"));
    expect(clusters).toHaveLength(1);
    expect(project.read("clouds/kubernetes", ...clusters)).not.toContain(`applications_${application}_`);
    expect(project.run("diff", "--environment", "staging").code).toBe(0);

    const configuration = project.json("infrastructure.config.json");
    configuration.applications = { [application]: { replicas: 1 } };
    project.write(["infrastructure.config.json"], JSON.stringify(configuration));
    const check = project.run("check-config");
    expect([check.code, check.stderr]).toEqual([
      0,
      expect.stringContaining(`Note: ${application} is in the configuration (applications), and `),
    ]);
  } finally {
    project.remove();
  }
});

test("outputs tells a deployed stack without outputs from one that was never deployed", () => {
  const project = new SandboxProject();
  try {
    expect(project.run("deploy", "--yes", "--environment", "staging").code).toBe(0);
    const { stdout } = project.run("outputs");
    expect(stdout).toContain("staging-github-secrets: deployed, no outputs");
    expect(stdout).toContain("production-github-secrets: not deployed, no outputs");
    const json = JSON.parse(project.run("outputs", "--json").stdout);
    expect([json["staging-github-secrets"], json["production-github-secrets"]]).toEqual([{}, null]);
  } finally {
    project.remove();
  }
});
