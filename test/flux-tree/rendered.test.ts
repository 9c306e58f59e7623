import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { substitute } from "../../src/flux-tree";
import { build, describeWithKubectl } from "./kubectl";
import { ENVIRONMENTS, type EnvironmentName, producedVariables } from "./produced-names";
import { fluxKustomizations, type Manifest, parseManifests, textOf } from "./tree";

const QUANTITY = /^\d+(\.\d+)?(m|[kMGTPE]i?)?$/;
const HOSTS: Record<EnvironmentName, string> = {
  staging: "chat.staging.example.com",
  production: "chat.example.com",
};

describeWithKubectl("objects that Flux applies", () => {
  describe.each(ENVIRONMENTS)("in %s", (environment) => {
    const objects: Manifest[] = [];
    const variables = producedVariables(environment);
    const find = (kind: string, name: string): Manifest => {
      const found = objects.find((object) => object.kind === kind && object.metadata?.name === name);
      if (!found) throw new Error(`no ${kind} ${name} in ${environment}`);
      return found;
    };

    beforeAll(() => {
      for (const kustomization of fluxKustomizations(environment)) {
        const text = substitute(build(kustomization.path), variables);
        objects.push(...parseManifests(text, `${environment}, ${kustomization.name}`));
      }
    });

    it("have a kind, a name and no variable left", () => {
      expect(objects.length).toBeGreaterThan(30);
      for (const object of objects) {
        expect(object).toMatchObject({ apiVersion: expect.any(String), kind: expect.any(String) });
        expect(object.metadata?.name).toEqual(expect.any(String));
      }
      expect(JSON.stringify(objects)).not.toContain("${");
    });

    it("are each there once", () => {
      const ids = objects.map(({ apiVersion, kind, metadata }) =>
        [apiVersion, kind, metadata?.namespace, metadata?.name].join("/"),
      );
      expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    });

    it("have labels, annotations and settings that are strings, as the API wants them", () => {
      const service = find("HelmRelease", "traefik").spec.values.service;
      const maps: Array<Readonly<Record<string, unknown>>> = [
        ...objects.flatMap(({ metadata }) => [metadata?.labels ?? {}, metadata?.annotations ?? {}]),
        service.annotations,
        find("HelmRelease", "mattermost-team-edition").spec.values.config,
      ];

      expect(
        maps.flatMap((map) => Object.entries(map)).filter(([, value]) => typeof value !== "string"),
      ).toEqual([]);
      expect(service.annotations["service.beta.kubernetes.io/do-loadbalancer-size-unit"]).toBe(
        variables.infraConfig_networking_loadBalancerSizeUnit,
      );
    });

    it("have the numbers and sizes of the dynamic configuration", () => {
      expect(find("HelmRelease", "traefik").spec.values.deployment.replicas).toBe(
        Number(variables.infraConfig_networking_ingressReplicas),
      );
      const volume = find("PersistentVolumeClaim", "mattermost-data").spec;
      expect(volume.resources.requests.storage).toBe(
        variables.infraConfig_applications_mattermost_storage_size,
      );
      expect(volume.resources.requests.storage).toMatch(QUANTITY);
      expect(volume.storageClassName).toBe(
        variables.infraConfig_applications_mattermost_storage_storageClass,
      );
      const database = find("Cluster", "mattermost-db").spec;
      expect(database.storage.size).toMatch(QUANTITY);
      const resources = {
        cpu: variables.infraConfig_resourceProfiles_small_requests_cpu,
        memory: variables.infraConfig_resourceProfiles_medium_requests_memory,
      };
      expect(database.resources).toEqual({ requests: resources, limits: resources });
    });

    it("give mattermost its resources as a mapping of quantities", () => {
      const { resources } = find("HelmRelease", "mattermost-team-edition").spec.values;

      expect(resources).toEqual(JSON.parse(variables.infraConfig_applications_mattermost_resources ?? ""));
      for (const part of [resources.requests, resources.limits]) {
        expect(part).toEqual({
          cpu: expect.stringMatching(QUANTITY),
          memory: expect.stringMatching(QUANTITY),
        });
      }
    });

    it("give mattermost the environment's host everywhere and a certificate for it", () => {
      const { config, ingress } = find("HelmRelease", "mattermost-team-edition").spec.values;
      const host = HOSTS[environment];

      expect(config.MM_SERVICESETTINGS_SITEURL).toBe(`https://${host}`);
      expect(ingress).toMatchObject({
        className: variables.infraConfig_networking_ingressClass,
        hosts: [host],
        tls: [{ secretName: "mattermost-tls", hosts: [host] }],
        annotations: { "cert-manager.io/cluster-issuer": `letsencrypt-${environment}` },
      });
      expect(find("ClusterIssuer", `letsencrypt-${environment}`).spec.acme.email).toBe("admin@example.com");
    });

    it("point mattermost at the database's own secret, after making sure what is replaced", () => {
      const { postRenderers, values } = find("HelmRelease", "mattermost-team-edition").spec;
      const secret = `${find("Cluster", "mattermost-db").metadata?.name}-app`;
      const [patch] = postRenderers[0].kustomize.patches;
      const operations = parseManifests(patch.patch, "postRenderers")[0] as unknown as Array<
        Record<string, unknown>
      >;

      expect(patch.target).toEqual({ kind: "Deployment", name: values.nameOverride });
      expect(operations.slice(0, 2)).toEqual([
        { op: "test", path: "/spec/template/spec/containers/0/env/0/name", value: "MM_CONFIG" },
        {
          op: "replace",
          path: "/spec/template/spec/containers/0/env/0/valueFrom",
          value: { secretKeyRef: { name: secret, key: "uri" } },
        },
      ]);
      expect(values.extraEnvVars[0].valueFrom.secretKeyRef).toEqual({ name: secret, key: "uri" });
    });

    it("keep mattermost's data when its entry is removed", () => {
      const kept = [
        find("Namespace", "mattermost"),
        find("Cluster", "mattermost-db"),
        find("PersistentVolumeClaim", "mattermost-data"),
        find("PersistentVolumeClaim", "mattermost-plugins"),
      ];

      for (const { metadata } of kept) {
        expect(metadata?.annotations).toMatchObject({ "kustomize.toolkit.fluxcd.io/prune": "disabled" });
      }
      const { persistence } = find("HelmRelease", "mattermost-team-edition").spec.values;
      expect([persistence.data.existingClaim, persistence.plugins.existingClaim]).toEqual([
        "mattermost-data",
        "mattermost-plugins",
      ]);
    });

    it("never keep a node from being drained for a database of one instance", () => {
      const { instances, enablePDB = true } = find("Cluster", "mattermost-db").spec;

      expect(enablePDB).toBe(instances > 1);
    });

    it("live in namespaces with Pod Security labels and a default-deny policy", () => {
      const namespaces = objects.filter(({ kind }) => kind === "Namespace");

      expect(namespaces.map(({ metadata }) => metadata?.name)).toEqual(
        expect.arrayContaining(["cert-manager", "cnpg-system", "mattermost", "traefik"]),
      );
      for (const { metadata } of namespaces) {
        expect(metadata?.labels).toMatchObject({ "pod-security.kubernetes.io/enforce": "restricted" });
        expect(policiesOf(objects, metadata?.name)).toEqual(
          expect.arrayContaining(["default-deny", "allow-dns"]),
        );
      }
    });

    it("open paths from the ingress controller only to a namespace that has that role", () => {
      expect(find("Namespace", "traefik").metadata?.labels).toMatchObject({
        "hybrid-gitops/role": "ingress-controller",
      });
      const policy = find("NetworkPolicy", "mattermost").spec;
      expect(policy.ingress).toEqual([
        {
          from: [{ namespaceSelector: { matchLabels: { "hybrid-gitops/role": "ingress-controller" } } }],
          ports: [{ protocol: "TCP", port: 8065 }],
        },
      ]);
    });
  });

  it("of staging need one database instance, of production two", () => {
    const instances = ENVIRONMENTS.map((environment) =>
      parseManifests(build(`flux/apps/mattermost/${environment}`), environment)
        .filter(({ kind }) => kind === "Cluster")
        .map(({ spec }) => spec.instances),
    );
    expect(instances).toEqual([[1], [2]]);
  });
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

    const gated = parseManifests(build(folder), environment)
      .filter(({ spec }) =>
        spec.template.spec.containers[0].args.includes("--feature-gates=CancelHealthCheckOnNewRevision=true"),
      )
      .map(({ metadata }) => metadata?.name);

    expect(gated.sort()).toEqual(["helm-controller", "kustomize-controller"]);
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
    spec: { template: { spec: { containers: [{ name: "manager", args: ["--log-level=info"] }] } } },
  };
}
