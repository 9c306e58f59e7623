import { describeWithKubectl } from "../kubectl";
import { expectDatabaseOfItsOwn, expectWebTrafficOnly } from "../network-policies";
import { type RenderedEnvironment, rendered } from "../rendered-environment";
import { type Manifest, parseManifests } from "../tree";

/** What differs between the environments of the example; production's sizes are those of the workflow document. */
const ENVIRONMENTS = [
  {
    environment: "production",
    host: "chat.example.com",
    resources: { cpu: "1000m", memory: "1Gi" },
    size: "10Gi",
    instances: 2,
    databaseResources: { cpu: "500m", memory: "1Gi" },
  },
  {
    environment: "staging",
    host: "chat.staging.example.com",
    resources: { cpu: "250m", memory: "256Mi" },
    size: "5Gi",
    instances: 1,
    databaseResources: { cpu: "250m", memory: "512Mi" },
  },
] as const;

const CLASS = "do-block-storage";
const equal = (quantities: { cpu: string; memory: string }) => ({ requests: quantities, limits: quantities });

describeWithKubectl("mattermost", () => {
  describe.each(ENVIRONMENTS)("in $environment", (expected) => {
    let system: RenderedEnvironment;
    let release: Manifest;
    beforeAll(async () => {
      system = (await rendered(expected.environment)).system("mattermost");
      release = system.find("HelmRelease", "mattermost-team-edition");
    });

    test("is a HelmRelease of the public chart mattermost-team-edition, of an exact version", () => {
      expect(release.apiVersion).toBe("helm.toolkit.fluxcd.io/v2");
      expect(release.spec).toMatchObject({
        targetNamespace: "mattermost",
        chart: {
          spec: {
            chart: "mattermost-team-edition",
            version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
            sourceRef: { kind: "HelmRepository", name: "mattermost" },
          },
        },
      });
      expect(system.find("HelmRepository", "mattermost").spec.url).toBe("https://helm.mattermost.com");
    });

    test("has the environment's static host as its site, in its Ingress and in its certificate", () => {
      const { config, ingress } = release.spec.values;

      expect(config.MM_SERVICESETTINGS_SITEURL).toBe(`https://${expected.host}`);
      expect(ingress).toMatchObject({
        enabled: true,
        className: "traefik",
        hosts: [expected.host],
        tls: [{ secretName: "mattermost-tls", hosts: [expected.host] }],
        annotations: { "cert-manager.io/cluster-issuer": `letsencrypt-${expected.environment}` },
      });
    });

    test("sends mail as the project's address", () => {
      expect(release.spec.values.config).toMatchObject({
        MM_SUPPORTSETTINGS_SUPPORTEMAIL: "admin@example.com",
        MM_EMAILSETTINGS_FEEDBACKEMAIL: "admin@example.com",
        MM_EMAILSETTINGS_REPLYTOADDRESS: "admin@example.com",
      });
    });

    test("has the resources of its profile, medium, as a mapping", () => {
      expect(release.spec.values.resources).toStrictEqual(equal(expected.resources));
    });

    test("has settings that are strings, as environment variables are", () => {
      const { config } = release.spec.values;

      expect(Object.values(config).filter((value) => typeof value !== "string")).toEqual([]);
    });

    test("keeps its files in a volume of its own, sized by its storage, fast", () => {
      const { persistence } = release.spec.values;

      expect(persistence).toEqual({
        data: { existingClaim: "mattermost-data" },
        plugins: { existingClaim: "mattermost-plugins" },
      });
      expect(system.find("PersistentVolumeClaim", "mattermost-data").spec).toEqual({
        accessModes: ["ReadWriteOnce"],
        storageClassName: CLASS,
        resources: { requests: { storage: expected.size } },
      });
    });

    test("has a database that is really deployed: two instances in production, one in staging", () => {
      const { spec } = system.find("Cluster", "mattermost-db");

      expect(spec).toMatchObject({
        imageName: expect.stringMatching(/^ghcr\.io\/cloudnative-pg\/postgresql:\d/),
        instances: expected.instances,
        bootstrap: { initdb: { database: "mattermost", owner: "mattermost" } },
        storage: { storageClass: CLASS, size: expected.size, resizeInUseVolumes: true },
        resources: equal(expected.databaseResources),
      });
      expect(release.spec.values).toMatchObject({
        mysql: { enabled: false },
        externalDB: { enabled: true, externalDriverType: "postgres" },
      });
    });

    test("never keeps a node from being drained for a database of one instance", () => {
      const { instances, enablePDB = true } = system.find("Cluster", "mattermost-db").spec;

      expect(enablePDB).toBe(instances > 1);
    });

    test("reads its database's address from the operator's secret, after making sure what is replaced", () => {
      const { postRenderers, values } = release.spec;
      const [patch] = postRenderers[0].kustomize.patches;
      const [operations] = parseManifests(patch.patch, "postRenderers") as unknown as [
        Array<Record<string, unknown>>,
      ];
      const secret = { secretKeyRef: { name: "mattermost-db-app", key: "uri" } };

      expect(patch.target).toEqual({ kind: "Deployment", name: "mattermost" });
      expect(operations.slice(0, 2)).toEqual([
        { op: "test", path: "/spec/template/spec/containers/0/env/0/name", value: "MM_CONFIG" },
        { op: "replace", path: "/spec/template/spec/containers/0/env/0/valueFrom", value: secret },
      ]);
      expect(values.extraEnvVars).toEqual([{ name: "MM_SQLSETTINGS_DATASOURCE", valueFrom: secret }]);
      expect(values.nameOverride).toBe("mattermost");
      expect(values.externalDB.externalConnectionString).toBe("");
    });

    test("keeps its data when its entry is removed", () => {
      const kept = [
        system.find("Namespace", "mattermost"),
        system.find("Cluster", "mattermost-db"),
        system.find("PersistentVolumeClaim", "mattermost-data"),
        system.find("PersistentVolumeClaim", "mattermost-plugins"),
      ];

      for (const { metadata } of kept) {
        expect(metadata?.annotations).toMatchObject({ "kustomize.toolkit.fluxcd.io/prune": "disabled" });
      }
    });

    test("is replaced, not rolled: its volumes are held by one pod", () => {
      expect(release.spec.values.deploymentStrategy).toEqual({ type: "Recreate" });
    });

    test("runs without root, privileges and a writable file system", () => {
      const { securityContext, containerSecurityContext, extraVolumes } = release.spec.values;

      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 2000,
        seccompProfile: { type: "RuntimeDefault" },
      });
      expect(containerSecurityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(extraVolumes.every((volume: { emptyDir?: unknown }) => volume.emptyDir)).toBe(true);
      expect(release.spec.postRenderers[0].kustomize.patches[0].patch).toMatch(
        /path: \/spec\/template\/spec\/automountServiceAccountToken\n {2}value: false/,
      );
      expect(system.find("Namespace", "mattermost").metadata?.labels).toMatchObject({
        "pod-security.kubernetes.io/enforce": "restricted",
      });
    });

    test("sees its clients' addresses, and takes uploads and WebSockets through nginx too", () => {
      const { config, ingress } = release.spec.values;

      expect(config.MM_SERVICESETTINGS_TRUSTEDPROXYIPHEADER).toBe("X-Forwarded-For");
      expect(ingress.annotations).toMatchObject({
        "traefik.ingress.kubernetes.io/router.entrypoints": "websecure",
        "nginx.ingress.kubernetes.io/proxy-body-size": "100m",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "600",
      });
    });

    test("is reached by the ingress controller only, and reaches its database and the internet", () => {
      expectWebTrafficOnly(system, "mattermost", 8065);
    });

    test("shares its database with nobody", () => {
      expectDatabaseOfItsOwn(system, "mattermost");
    });
  });
});
