import path from "node:path";
import { parse } from "yaml";
import {
  CLUSTERS,
  exists,
  type FluxKustomization,
  filesReadBy,
  fluxKustomizations,
  manifestsOf,
  OWN_APPLICATIONS,
} from "./tree";

describe.each(CLUSTERS)("Flux Kustomizations of %s", (environment) => {
  const kustomizations = fluxKustomizations(environment);
  const names = kustomizations.map(({ name }) => name);
  const each = kustomizations.map((kustomization) => [kustomization.name, kustomization] as const);

  it("are the infrastructure and the applications", () => {
    expect(names).toEqual(expect.arrayContaining(["infrastructure-controllers", "infrastructure-configs"]));
    expect(names).toHaveLength(new Set(names).size);
  });

  it.each(each)(
    "%s stands alone in a file of its name and in the namespace of Flux",
    (name, { file, manifest }) => {
      expect(file).toBe(`flux/clusters/${environment}/${name}.yaml`);
      expect(manifest).toMatchObject({
        apiVersion: "kustomize.toolkit.fluxcd.io/v1",
        kind: "Kustomization",
        metadata: { namespace: "flux-system" },
      });
    },
  );

  it.each(each)(
    "%s is retried, waits, prunes and reads the repository of flux bootstrap",
    (_, { manifest }) => {
      expect(manifest.spec).toMatchObject({
        interval: "1h",
        retryInterval: "1m",
        timeout: expect.stringMatching(/^\d+m$/),
        prune: true,
        wait: true,
        deletionPolicy: "WaitForTermination",
        sourceRef: { kind: "GitRepository", name: "flux-system" },
      });
      expect(manifest.spec.force).toBeUndefined();
    },
  );

  it.each(each)("%s applies a folder that exists", (_, { manifest, path: folder }) => {
    expect(manifest.spec.path).toMatch(/^\.\/flux\//);
    expect(exists(path.join(folder, "kustomization.yaml"))).toBe(true);
  });

  it("apply the applications' overlay of this environment only", () => {
    const overlays = kustomizations.filter(({ path: folder }) => folder.startsWith("flux/apps/"));

    expect(overlays.length).toBeGreaterThan(0);
    for (const { name, path: folder } of overlays) expect(folder).toBe(`flux/apps/${name}/${environment}`);
  });

  it.each(each)("%s substitutes from infrastructure-vars and nothing else, if at all", (_, { manifest }) => {
    const expected = { kind: "ConfigMap", name: "infrastructure-vars", optional: false };
    expect(manifest.spec.postBuild?.substituteFrom ?? [expected]).toEqual([expected]);
  });

  it.each(each)("%s gives a HelmRelease the time it asks for", (_, { manifest, path: folder }) => {
    const releases = filesReadBy(folder)
      .filter((file) => file.endsWith(".yaml"))
      .flatMap(manifestsOf)
      .filter(({ kind, spec }) => kind === "HelmRelease" && spec.timeout);

    for (const release of releases) {
      expect(minutes(manifest.spec.timeout)).toBeGreaterThan(minutes(release.spec.timeout));
    }
  });

  it("apply applications after the infrastructure", () => {
    for (const { name, path: folder } of kustomizations.filter((one) => one.path.startsWith("flux/apps/"))) {
      expect([name, folder, ancestors(name, kustomizations)]).toEqual([
        name,
        folder,
        expect.arrayContaining(["infrastructure-configs", "infrastructure-controllers"]),
      ]);
    }
  });

  it("run with the feature gate that lets a new value interrupt a health check", () => {
    const [customisation] = manifestsOf(`flux/clusters/${environment}/flux-system/kustomization.yaml`);

    expect(customisation?.resources).toEqual(["gotk-components.yaml", "gotk-sync.yaml"]);
    const [patch] = customisation?.patches ?? [];
    const target = new RegExp(`^${patch.target.name}$`);
    expect(["kustomize-controller", "helm-controller"].filter((name) => !target.test(name))).toEqual([]);
    expect(target.test("source-controller")).toBe(false);
    expect(parse(patch.patch)).toEqual([
      {
        op: "add",
        path: "/spec/template/spec/containers/0/args/-",
        value: "--feature-gates=CancelHealthCheckOnNewRevision=true",
      },
    ]);
  });
});

it("all environments have the same Flux Kustomizations and dependencies, but for applications of the owner's own", () => {
  const [first, ...others] = CLUSTERS.map((environment) =>
    fluxKustomizations(environment)
      .filter(({ name }) => !OWN_APPLICATIONS.includes(name))
      .map(({ name, manifest }) => [name, manifest.spec.dependsOn]),
  );
  expect(first?.length).toBeGreaterThan(0);
  for (const other of others) expect(other).toEqual(first);
});

function minutes(duration: string): number {
  return Number.parseInt(duration, 10);
}

function dependenciesOf(kustomization: FluxKustomization | undefined): string[] {
  return (kustomization?.manifest.spec.dependsOn ?? []).map(({ name }: { name: string }) => name);
}

function ancestors(name: string, kustomizations: readonly FluxKustomization[]): string[] {
  const parents = dependenciesOf(kustomizations.find((kustomization) => kustomization.name === name));
  return [...parents, ...parents.flatMap((parent) => ancestors(parent, kustomizations))];
}
