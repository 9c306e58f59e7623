import { nextcloudSecrets } from "../../../src/secrets/applications/nextcloud";
import { describeWithKubectl } from "../kubectl";
import { expectDatabaseOfItsOwn, expectWebTrafficOnly } from "../network-policies";
import { type RenderedEnvironment, rendered } from "../rendered-environment";
import { fluxKustomizations, type Manifest, manifestsOf, parseManifests } from "../tree";

/** What differs between the environments of the example; production's sizes are those of the workflow document. */
const ENVIRONMENTS = [
  {
    environment: "production",
    host: "cloud.example.com",
    resources: { cpu: "2000m", memory: "2Gi" },
    size: "100Gi",
    instances: 2,
    databaseSize: "10Gi",
    databaseResources: { cpu: "500m", memory: "1Gi" },
  },
  {
    environment: "staging",
    host: "cloud.staging.example.com",
    resources: { cpu: "250m", memory: "256Mi" },
    size: "50Gi",
    instances: 1,
    databaseSize: "5Gi",
    databaseResources: { cpu: "250m", memory: "512Mi" },
  },
] as const;

const CLASS = "do-block-storage";
const LOCKED = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};
const equal = (quantities: { cpu: string; memory: string }) => ({ requests: quantities, limits: quantities });
const databaseKey = (key: string) => ({ secretKeyRef: { name: "nextcloud-db-app", key } });

describeWithKubectl("nextcloud", () => {
  describe.each(ENVIRONMENTS)("in $environment", (expected) => {
    let system: RenderedEnvironment;
    let release: Manifest;
    let values: Manifest;
    /** What the post-renderer makes of the chart's Deployment. */
    let patch: Manifest;
    beforeAll(async () => {
      system = (await rendered(expected.environment)).system("nextcloud");
      release = system.find("HelmRelease", "nextcloud");
      values = release.spec.values;
      const [{ target, patch: text }] = release.spec.postRenderers[0].kustomize.patches;
      expect(target).toEqual({ kind: "Deployment", name: "nextcloud" });
      patch = parseManifests(text, "postRenderers")[0] as Manifest;
    });

    test("is a HelmRelease of the public chart nextcloud, of an exact version", () => {
      expect(release.spec).toMatchObject({
        releaseName: "nextcloud",
        targetNamespace: "nextcloud",
        chart: {
          spec: {
            chart: "nextcloud",
            version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
            sourceRef: { kind: "HelmRepository", name: "nextcloud" },
          },
        },
      });
      expect(system.find("HelmRepository", "nextcloud").spec.url).toBe("https://nextcloud.github.io/helm");
    });

    test("has exact versions of the images of PHP and nginx, the same everywhere", () => {
      const { image, nginx, nextcloud } = values;

      expect(image.tag).toMatch(/^\d+\.\d+\.\d+-fpm-alpine$/);
      expect(nginx.image).toEqual({
        repository: "docker.io/nginxinc/nginx-unprivileged",
        tag: expect.stringMatching(/^\d+\.\d+\.\d+-alpine-slim$/),
      });
      expect(nextcloud.extraInitContainers[0].image).toBe(`docker.io/library/nextcloud:${image.tag}`);
      expect(`${image.registry}/${image.repository}`).toBe("docker.io/library/nextcloud");
    });

    test("has the environment's static host, in its Ingress and in its certificate", () => {
      expect(values.nextcloud.host).toBe(expected.host);
      expect(values.nextcloud.trustedDomains).toBeUndefined();
      expect(values.ingress).toMatchObject({
        enabled: true,
        className: "traefik",
        tls: [{ secretName: "nextcloud-tls", hosts: [expected.host] }],
        annotations: { "cert-manager.io/cluster-issuer": `letsencrypt-${expected.environment}` },
      });
    });

    test("has the resources of its profile, large, as a mapping", () => {
      expect(values.resources).toStrictEqual(equal(expected.resources));
    });

    test("keeps its files in a volume of its own, sized by its storage, bulk", () => {
      expect(values.persistence).toEqual({ enabled: true, existingClaim: "nextcloud-data" });
      expect(system.find("PersistentVolumeClaim", "nextcloud-data").spec).toEqual({
        accessModes: ["ReadWriteOnce"],
        storageClassName: CLASS,
        resources: { requests: { storage: expected.size } },
      });
    });

    test("has a database that is really deployed: two instances in production, one in staging", () => {
      const { spec } = system.find("Cluster", "nextcloud-db");

      expect(spec).toMatchObject({
        imageName: expect.stringMatching(/^ghcr\.io\/cloudnative-pg\/postgresql:\d/),
        instances: expected.instances,
        bootstrap: { initdb: { database: "nextcloud", owner: "nextcloud" } },
        storage: { storageClass: CLASS, size: expected.databaseSize, resizeInUseVolumes: true },
        resources: equal(expected.databaseResources),
      });
      // With a single instance a disruption budget would keep its node from being drained.
      expect(spec.enablePDB ?? true).toBe(expected.instances > 1);
    });

    test("takes its database's address and credentials from the operator's secret", () => {
      expect(values.internalDatabase).toEqual({ enabled: false });
      expect(values.externalDatabase).toEqual({
        enabled: true,
        type: "postgresql",
        existingSecret: {
          enabled: true,
          secretName: "nextcloud-db-app",
          usernameKey: "username",
          passwordKey: "password",
          hostKey: "host",
          databaseKey: "dbname",
        },
      });
      expect(values.nextcloud.extraEnv).toContainEqual({
        name: "NC_dbpassword",
        valueFrom: databaseKey("password"),
      });
    });

    test("waits for its database before it installs itself, and starts a broken installation over", () => {
      const [prepare] = values.nextcloud.extraInitContainers;

      expect(prepare.command.at(-1)).toContain("until php -r 'new PDO(");
      expect(prepare.env).toEqual([
        { name: "DB_HOST", valueFrom: databaseKey("host") },
        { name: "DB_USER", valueFrom: databaseKey("username") },
        { name: "DB_PASSWORD", valueFrom: databaseKey("password") },
      ]);
      expect(values.nextcloud.hooks["before-starting"]).toMatch(
        /empty\(\$CONFIG\["installed"\]\)[\s\S]+rm -f \/var\/www\/html\/version\.php\n\s+exit 1/,
      );
      // Files in the configuration folder would keep a new Nextcloud from being installed.
      expect(values.nextcloud.configs).toBeUndefined();
    });

    test("has its administrator's password from a SOPS secret that is made for it", () => {
      expect(values.nextcloud.existingSecret).toEqual({
        enabled: true,
        secretName: "nextcloud-admin",
        usernameKey: "username",
        passwordKey: "password",
      });
      expect(nextcloudSecrets).toMatchObject([
        {
          folder: "flux/apps/nextcloud",
          name: "nextcloud-admin",
          namespace: "nextcloud",
          values: { username: { template: "admin" }, password: { random: "base64url", bytes: 24 } },
        },
      ]);
      const [flux] = fluxKustomizations(expected.environment).filter(({ name }) => name === "nextcloud");
      expect(flux?.manifest.spec.decryption).toEqual({ provider: "sops", secretRef: { name: "sops-age" } });
      const [overlay] = manifestsOf(`flux/apps/nextcloud/${expected.environment}/kustomization.yaml`);
      expect(overlay?.resources).toEqual(["../base", "secrets"]);
    });

    test("knows that it is reached by HTTPS, at its host, through proxies that name the client", () => {
      expect(values.phpClientHttpsFix).toEqual({ enabled: true, protocol: "https" });
      expect(values.nextcloud.extraEnv).toEqual(
        expect.arrayContaining([
          { name: "OVERWRITECLIURL", value: "https://$(NEXTCLOUD_TRUSTED_DOMAINS)" },
          { name: "TRUSTED_PROXIES", value: "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16" },
        ]),
      );
      expect(values.nextcloud.hooks["before-starting"]).toContain(
        'occ config:system:set trusted_domains 1 --value="$NEXTCLOUD_TRUSTED_DOMAINS"',
      );
      expect(values.nginx.config.headers["Strict-Transport-Security"]).toBe("max-age=15552000");
    });

    test("takes uploads of one gigabyte at every step", () => {
      expect(values.nextcloud.extraEnv).toContainEqual({ name: "PHP_UPLOAD_LIMIT", value: "1G" });
      expect(values.nginx.config.serverBlockCustom).toContain("client_max_body_size 1G;");
      expect(values.ingress.annotations).toMatchObject({
        "nginx.ingress.kubernetes.io/proxy-body-size": "1g",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "600",
      });
    });

    test("runs its background jobs beside PHP, every five minutes and not as root", () => {
      const { enabled, type, sidecar } = values.cronjob;

      expect({ enabled, type }).toEqual({ enabled: true, type: "sidecar" });
      expect(sidecar.command.slice(0, 2)).toEqual(["sh", "-c"]);
      expect(sidecar.command[2]).toMatch(/php -f \/var\/www\/html\/cron\.php[\s\S]+sleep 300/);
      expect(sidecar.securityContext).toEqual(LOCKED);
    });

    test("has requests and limits for every container of its pod", () => {
      const others = [
        values.nginx.resources,
        values.cronjob.sidecar.resources,
        values.nextcloud.extraInitContainers[0].resources,
      ];

      for (const resources of others) {
        expect(resources).toEqual({
          requests: { cpu: expect.stringMatching(/^\d+m$/), memory: expect.stringMatching(/^\d+Mi$/) },
          limits: { cpu: expect.stringMatching(/^\d+m$/), memory: expect.stringMatching(/^\d+Mi$/) },
        });
      }
      expect(release.metadata?.annotations).toMatchObject({
        "hybrid-gitops/reason.resources": expect.stringMatching(/\w/),
      });
    });

    test("runs without root, privileges and a writable file system", () => {
      const { nextcloud, nginx } = values;

      expect(nextcloud.podSecurityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 82,
        fsGroup: 82,
        seccompProfile: { type: "RuntimeDefault" },
      });
      expect(nextcloud.securityContext).toEqual(LOCKED);
      expect(nextcloud.extraInitContainers[0].securityContext).toEqual(LOCKED);
      expect(nginx.securityContext).toEqual({ ...LOCKED, runAsUser: 101, runAsGroup: 101 });
      expect(nextcloud.extraVolumeMounts).toEqual([{ name: "temporary-files", mountPath: "/tmp" }]);
      expect(patch.spec.template.spec.automountServiceAccountToken).toBe(false);
      expect(system.find("Namespace", "nextcloud").metadata?.labels).toMatchObject({
        "pod-security.kubernetes.io/enforce": "restricted",
      });
    });

    test("has probes on every container, which give an installation and an upgrade an hour", () => {
      const [php, jobs, ...more] = patch.spec.template.spec.containers;

      expect(php).toMatchObject({
        name: "nextcloud",
        startupProbe: { tcpSocket: { port: 9000 }, periodSeconds: 10, failureThreshold: 360 },
        livenessProbe: { tcpSocket: { port: 9000 } },
        readinessProbe: { tcpSocket: { port: 9000 } },
      });
      expect(jobs).toMatchObject({ name: "nextcloud-cron", livenessProbe: { exec: expect.anything() } });
      expect(more).toEqual([]);
      for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
        expect(values[probe].enabled).toBe(true);
      }
      expect(values.startupProbe.failureThreshold).toBe(360);
      expect(release.metadata?.annotations).toMatchObject({
        "hybrid-gitops/reason.probes": expect.stringMatching(/\w/),
      });
    });

    test("is one pod that is replaced, not rolled, and has no cache server", () => {
      expect(values.replicaCount).toBe(1);
      expect(values.nextcloud.strategy).toEqual({ type: "Recreate" });
      expect([values.redis, values.externalRedis, values.hpa]).toEqual([undefined, undefined, undefined]);
    });

    test("is never rolled back to a version that refuses its data", () => {
      expect(release.spec.upgrade.strategy).toEqual({ name: "RetryOnFailure", retryInterval: "5m" });
    });

    test("keeps its data when its entry is removed", () => {
      const kept = [
        system.find("Namespace", "nextcloud"),
        system.find("Cluster", "nextcloud-db"),
        system.find("PersistentVolumeClaim", "nextcloud-data"),
      ];

      for (const { metadata } of kept) {
        expect(metadata?.annotations).toMatchObject({ "kustomize.toolkit.fluxcd.io/prune": "disabled" });
      }
    });

    test("is reached by the ingress controller only, and reaches its database and the internet", () => {
      expectWebTrafficOnly(system, "nextcloud", values.nginx.containerPort);
      expect(values.nextcloud.containerPort).toBe(values.nginx.containerPort);
    });

    test("shares its database with nobody", () => {
      expectDatabaseOfItsOwn(system, "nextcloud");
    });
  });
});
