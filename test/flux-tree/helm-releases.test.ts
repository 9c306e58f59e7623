import path from "node:path";
import { hasOwnChart } from "../../src/flux-tree";
import { manifestsOf, yamlFiles } from "./tree";

const EXACT_VERSION = /^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

const manifests = yamlFiles().flatMap((file) => manifestsOf(file).map((manifest) => ({ file, manifest })));
const ofKind = (kind: string) => manifests.filter(({ manifest }) => manifest.kind === kind);
const repositories = ofKind("HelmRepository").map(({ manifest }) => manifest);
const namespaces = ofKind("Namespace").map(({ manifest }) => manifest);

/** Releases as written in full, not the overlays' patches of them. */
const releases = ofKind("HelmRelease")
  .filter(({ manifest }) => manifest.spec.chart)
  .map(({ file, manifest }) => [manifest.metadata?.name ?? file, manifest, file] as const);

/** Those of third-party charts; a chart of this repository has the version of the commit. */
const foreign = releases.filter(([, release]) => !hasOwnChart(release));

describe("HelmReleases of flux/", () => {
  it("are there", () => {
    expect(releases.map(([name]) => name)).toEqual(
      expect.arrayContaining(["cert-manager", "cloudnative-pg", "traefik"]),
    );
  });

  it.each(releases)("%s is of today's API, in flux-system, for a namespace of the tree", (_, release) => {
    expect(release.apiVersion).toBe("helm.toolkit.fluxcd.io/v2");
    expect(release.metadata?.namespace).toBe("flux-system");
    expect(release.spec.releaseName).toMatch(/^[a-z0-9-]+$/);
    expect(release.spec.storageNamespace).toBe(release.spec.targetNamespace);
    expect(namespaces.map((namespace) => namespace.metadata?.name)).toContain(release.spec.targetNamespace);
  });

  it.each(foreign)("%s pins an exact version of a chart from a repository beside it", (_, release, file) => {
    const { version, sourceRef } = release.spec.chart.spec;

    expect(version).toMatch(EXACT_VERSION);
    const repository = repositories.find(({ metadata }) => metadata?.name === sourceRef.name);
    expect(repository).toMatchObject({
      apiVersion: "source.toolkit.fluxcd.io/v1",
      metadata: { namespace: "flux-system" },
      spec: { url: expect.stringMatching(/^https:\/\//) },
    });
    expect(manifestsOf(path.join(path.dirname(file), "helm-repository.yaml"))).toContainEqual(repository);
  });

  it.each(releases)("%s replaces CRDs and corrects drift", (_, release) => {
    expect(release.spec).toMatchObject({
      install: { crds: "CreateReplace" },
      upgrade: { crds: "CreateReplace" },
      driftDetection: { mode: "enabled" },
    });
  });

  it.each(releases)(
    "%s is tried again without end, and never rolled back to sizes of other nodes",
    (_, release) => {
      for (const { strategy, remediation } of [release.spec.install, release.spec.upgrade]) {
        expect(strategy).toEqual({
          name: "RetryOnFailure",
          retryInterval: expect.stringMatching(/^[1-5]m$/),
        });
        // Flux would not look at it, and readers would believe it.
        expect(remediation).toBeUndefined();
      }
    },
  );

  it("refuse ranges and open versions", () => {
    expect(["1.x", "^1.2.3", "*", "1.2", ">=1.0.0"].filter((version) => EXACT_VERSION.test(version))).toEqual(
      [],
    );
  });
});
