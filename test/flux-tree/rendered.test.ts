import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { FluxTree, variablesIn } from "../../src/flux-tree";
import { build as buildKustomization } from "../../src/flux-tree/render";
import { build, describeWithKubectl } from "./kubectl";
import { ENVIRONMENTS, producedVariables } from "./produced-names";
import { rendered } from "./rendered-environment";
import { type Manifest, parseManifests, textOf } from "./tree";

describeWithKubectl("objects that Flux applies", () => {
  describe.each(ENVIRONMENTS)("in %s", (environment) => {
    let objects: Manifest[] = [];
    const variables = producedVariables(environment);
    const find = (kind: string, name: string): Manifest => {
      const found = objects.find((object) => object.kind === kind && object.metadata?.name === name);
      if (!found) throw new Error(`no ${kind} ${name} in ${environment}`);
      return found;
    };

    beforeAll(async () => {
      objects = (await rendered(environment)).objects;
    });

    it("have a kind, a name and no variable left", () => {
      expect(objects.length).toBeGreaterThan(30);
      for (const object of objects) {
        expect(object).toMatchObject({ apiVersion: expect.any(String), kind: expect.any(String) });
        expect(object.metadata?.name).toEqual(expect.any(String));
      }
      // What a shell or a program reads for itself may look like a variable, but not like ours.
      const left = variablesIn(JSON.stringify(objects)).filter((name) => name.startsWith("infraConfig"));
      expect(left).toEqual([]);
    });

    it("are each there once", () => {
      const ids = objects.map(({ apiVersion, kind, metadata }) =>
        [apiVersion, kind, metadata?.namespace, metadata?.name].join("/"),
      );
      expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    });

    it("have labels and annotations that are strings, as the API wants them", () => {
      const service = find("HelmRelease", "traefik").spec.values.service;
      const maps: Array<Readonly<Record<string, unknown>>> = [
        ...objects.flatMap(({ metadata }) => [metadata?.labels ?? {}, metadata?.annotations ?? {}]),
        service.annotations,
      ];

      expect(
        maps.flatMap((map) => Object.entries(map)).filter(([, value]) => typeof value !== "string"),
      ).toEqual([]);
      expect(service.annotations["service.beta.kubernetes.io/do-loadbalancer-size-unit"]).toBe(
        variables.infraConfig_networking_loadBalancerSizeUnit,
      );
    });

    it("have the numbers of the dynamic configuration as numbers", () => {
      expect(find("HelmRelease", "traefik").spec.values.deployment.replicas).toBe(
        Number(variables.infraConfig_networking_ingressReplicas),
      );
    });

    it("live in namespaces with Pod Security labels (restricted, or with a reason) and a default-deny policy", () => {
      const namespaces = objects.filter(({ kind }) => kind === "Namespace");

      expect(namespaces.map(({ metadata }) => metadata?.name)).toEqual(
        expect.arrayContaining(["cert-manager", "cnpg-system", "traefik"]),
      );
      for (const { metadata } of namespaces) {
        const level = metadata?.labels?.["pod-security.kubernetes.io/enforce"];
        const reason = metadata?.annotations?.["hybrid-gitops/reason.pod-security"];
        expect([metadata?.name, reason ? "restricted" : level]).toEqual([metadata?.name, "restricted"]);
        expect(level).toEqual(expect.any(String));
        expect(policiesOf(objects, metadata?.name)).toEqual(
          expect.arrayContaining(["default-deny", "allow-dns"]),
        );
      }
    });

    it("open paths from the ingress controller only to a namespace that has that role", () => {
      expect(find("Namespace", "traefik").metadata?.labels).toMatchObject({
        "hybrid-gitops/role": "ingress-controller",
      });
    });

    it("have certificates under the project's e-mail address", () => {
      expect(find("ClusterIssuer", `letsencrypt-${environment}`).spec.acme.email).toBe("admin@example.com");
    });
  });
});

it("a file that kustomize can't read is told without its text, which may be a password", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "tree-"));
  try {
    writeFileSync(path.join(directory, "kustomization.yaml"), "resources: [x.yaml]\n");
    writeFileSync(path.join(directory, "x.yaml"), "stringData:\n  a: *Sentinel9\n");
    const manifest = { apiVersion: "", kind: "", metadata: { name: "" } };
    const building = buildKustomization(new FluxTree(directory), { file: "", name: "", path: ".", manifest });
    await expect(building).rejects.toThrow(/^(?!.*Sentinel9).*unknown anchor … .*x\.yaml/s);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describeWithKubectl("the controllers' customisation", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "flux-system-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each(ENVIRONMENTS)("of %s reaches the controllers that flux bootstrap writes", (environment) => {
    const controllers = ["source-controller", "kustomize-controller", "helm-controller"];
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      path.join(folder, "kustomization.yaml"),
      textOf(`flux/clusters/${environment}/flux-system/kustomization.yaml`),
    );
    writeFileSync(path.join(folder, "gotk-sync.yaml"), "");
    writeFileSync(
      path.join(folder, "gotk-components.yaml"),
      controllers.map((name) => stringify(controller(name))).join("---\n"),
    );

    const customised = Object.fromEntries(
      parseManifests(build(folder), environment).map(({ metadata, spec }) => {
        const [{ args, resources }] = spec.template.spec.containers;
        return [metadata?.name, [args, resources.limits.memory, resources.requests.memory]];
      }),
    );

    const args = [
      "--log-level=info",
      "--feature-gates=CancelHealthCheckOnNewRevision=true",
      "--concurrent=10",
      "--requeue-dependency=5s",
    ];
    expect(customised).toEqual({
      "source-controller": [["--log-level=info"], "1Gi", "64Mi"],
      "kustomize-controller": [args, "2Gi", "64Mi"],
      "helm-controller": [args, "2Gi", "64Mi"],
    });
  });

  it.each(ENVIRONMENTS)("of %s builds before flux bootstrap has written its files", (environment) => {
    expect(() => build(`flux/clusters/${environment}/flux-system`)).not.toThrow();
  });
});

function policiesOf(objects: readonly Manifest[], namespace: string | undefined): string[] {
  return objects
    .filter(({ kind, metadata }) => kind === "NetworkPolicy" && metadata?.namespace === namespace)
    .map(({ metadata }) => metadata?.name ?? "");
}

function controller(name: string): unknown {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "flux-system" },
    spec: {
      template: {
        spec: {
          containers: [
            {
              name: "manager",
              args: ["--log-level=info"],
              resources: {
                limits: { cpu: "1000m", memory: "1Gi" },
                requests: { cpu: "100m", memory: "64Mi" },
              },
            },
          ],
        },
      },
    },
  };
}
