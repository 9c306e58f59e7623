import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { exampleProject } from "../support/example";
import { describeWithKubectl } from "./kubectl";
import { asLine, CLUSTER, mistake, SHOP, SmallTree } from "./rules/small-tree";
import { describeWithTools } from "./schema-tools";

let tree: SmallTree;
beforeEach(() => {
  tree = new SmallTree();
});
afterEach(() => tree.remove());

/** A release whose chart is in the repository, with one Deployment. */
function withOwnChart(resources: string): void {
  tree.append(
    `${SHOP}/release.yaml`,
    `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: own
  namespace: flux-system
spec:
  interval: 1h
  targetNamespace: shop
  chart:
    spec:
      chart: ./helm/own
      sourceRef:
        kind: GitRepository
        name: flux-system
  valuesFrom:
    - kind: ConfigMap
      name: infrastructure-config
`,
  );
  tree.write("helm/own/Chart.yaml", "apiVersion: v2\nname: own\nversion: 0.1.0\n");
  const deployment = (tree.read(`${SHOP}/web.yaml`).split("---\n")[0] ?? "")
    .replace("  name: web\n  namespace: shop\n", "  name: own\n")
    .replace("spec:\n  selector", "spec:\n  replicas: 1\n  selector")
    .replace(/\$\{quote\}.*\$\{quote\}/, '"3"')
    .replace("resources: ${infraConfig_resourceProfiles_small}", resources);
  tree.write("helm/own/templates/deployment.yaml", deployment);
}

describeWithTools("a chart of this repository", { tools: ["kubectl", "helm"] }, () => {
  test("is checked as the objects that it becomes, with the document of the environment", async () => {
    withOwnChart("resources: {{ toJson .Values.resourceProfiles.small }}");
    const report = await tree.validate();

    expect(report.findings).toEqual([]);
    expect(
      report.environments[0]?.capacity?.pods.find(({ name }) => name === "Deployment own"),
    ).toMatchObject({
      place: "Deployment shop/own in the chart helm/own of flux/apps/shop/staging",
      requests: { cpu: 250, memory: 256 },
    });
  });

  test("has to follow the document, or say why not", async () => {
    withOwnChart("resources: { requests: { cpu: 1m, memory: 1Mi }, limits: { cpu: 1m, memory: 1Mi } }");

    expect(await tree.findings()).toEqual([
      "resources | Deployment shop/own in the chart helm/own of flux/apps/shop/staging: container web has resources that don't follow the dynamic configuration; take them from a profile, such as resources: ${infraConfig_resourceProfiles_small}, or say in the annotation hybrid-gitops/reason.resources why not",
    ]);
  });

  test("that does not render is told with helm's message", async () => {
    withOwnChart('resources: {{ fail "no resources" }}');
    const { findings } = await tree.validate();

    expect(findings).toHaveLength(1);
    expect(findings[0]?.place).toBe(CLUSTER);
    expect(findings[0]?.problem).toContain("no resources");
  });
});

describeWithKubectl("tools that are missing", () => {
  const { PATH, XDG_CACHE_HOME } = process.env;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "tools-"));
    process.env.XDG_CACHE_HOME = folder;
  });
  afterEach(() => {
    process.env.PATH = PATH;
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
    rmSync(folder, { recursive: true });
  });

  test("helm: its charts are left out, the rest is checked", async () => {
    withOwnChart("resources: {}");
    const { stdout } = spawnSync("sh", ["-c", "command -v kubectl"], { encoding: "utf8" });
    symlinkSync(stdout.trim(), path.join(folder, "kubectl"));
    process.env.PATH = folder;
    const report = await tree.validate();

    expect(report.findings).toEqual([]);
    expect(report.environments[0]?.systems[0]).toMatchObject({ name: "shop", objects: 15 });
    expect(report.leftOut).toEqual([
      { what: "charts of this repository", why: expect.stringMatching(/^helm is not installed: /) },
      expect.objectContaining({ why: "not every object is known, so neither is the sum" }),
    ]);
  });

  test("kubectl: nothing can be said", async () => {
    process.env.PATH = folder;

    await expect(tree.validate()).rejects.toThrow(/^kubectl is not installed: "mise install"/);
  });
});

describeWithKubectl("environments", () => {
  test("are checked one by one, and what is wrong in the base of both is told once", async () => {
    tree.write(
      "flux/apps/shop/base/kustomization.yaml",
      "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - report.yaml\n",
    );
    tree.write(
      "flux/apps/shop/base/report.yaml",
      tree.read(`${SHOP}/report.yaml`).replace("# ", "").replace("image: ", "image: docker.io/library/"),
    );
    tree.replace(`${SHOP}/kustomization.yaml`, "  - report.yaml", "  - ../base");
    tree.write("flux/apps/shop/production/kustomization.yaml", tree.read(`${SHOP}/kustomization.yaml`));
    for (const name of ["namespace", "web", "database", "volume", "network-policies", "ingress", "release"])
      tree.write(
        `flux/apps/shop/production/${name}.yaml`,
        tree.read(`${SHOP}/${name}.yaml`).replaceAll("staging.example.com", "example.com"),
      );
    tree.write("flux/clusters/production/shop.yaml", tree.read(CLUSTER).replaceAll("staging", "production"));
    const report = await tree.validate({ project: exampleProject() });

    expect(report.environments.map(({ name, systems }) => [name, systems[0]?.objects])).toEqual([
      ["staging", 14],
      ["production", 14],
    ]);
    expect(report.findings.map(asLine)).toEqual([
      "images | flux/apps/shop/base/report.yaml:25: the image docker.io/library/registry.example.com/report has no marker for Renovate, so it would never be updated; write the line before it: # renovate: datasource=docker depName=docker.io/library/registry.example.com/report",
    ]);
  });

  mistake(
    "without a folder",
    () => undefined,
    [
      "files | flux/clusters/production: is missing, so nothing says what runs in production; copy flux/clusters/staging there, and the overlays that it names",
    ],
    { project: exampleProject(), environments: ["production"] },
  );

  test("that no cluster has: their overlays are built and checked too", async () => {
    tree.write(
      "flux/apps/shop/dev/kustomization.yaml",
      "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ../staging\nimages:\n  - name: docker.io/library/web\n    newTag: latest\n",
    );
    const report = await tree.validate();

    expect(report.environments.map(({ name, hasCluster }) => [name, hasCluster])).toEqual([
      ["staging", true],
      ["dev", false],
    ]);
    expect(report.findings.map(asLine)).toEqual([
      "images | Deployment shop/web in flux/apps/shop/dev: container web has the image docker.io/library/web:latest, which is not an exact version; name a whole version such as :1.2.3, or add its digest @sha256:…",
    ]);
  });
});
