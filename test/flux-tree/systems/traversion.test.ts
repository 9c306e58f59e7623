import { build } from "../../../src/flux-tree";
import type { SecretValue } from "../../../src/secrets/application-secret";
import { traversionSecrets } from "../../../src/secrets/applications/traversion";
import { describeWithKubectl } from "../kubectl";
import { ENVIRONMENTS } from "../produced-names";
import { type RenderedEnvironment, rendered } from "../rendered-environment";
import { fluxKustomizations, type Manifest, parseManifests, tree } from "../tree";

const NAMESPACE = "traversion-system";
const WORKLOADS = ["Deployment", "StatefulSet", "CronJob"];
const API = { "app.kubernetes.io/name": "traversion", "app.kubernetes.io/component": "api" };
const HOSTS = {
  production: ["api", "ws", "monitoring", "grafana"].map((label) => `${label}.traversion.example.com`),
  staging: ["api", "ws", "monitoring", "grafana"].map((label) => `${label}.traversion.staging.example.com`),
};

describeWithKubectl("traversion", () => {
  let production: RenderedEnvironment;
  let staging: RenderedEnvironment;
  beforeAll(async () => {
    production = (await rendered("production")).system("traversion");
    staging = (await rendered("staging")).system("traversion");
  }, 60_000);

  const environments = (): Record<(typeof ENVIRONMENTS)[number], RenderedEnvironment> => ({
    staging,
    production,
  });
  const workloads = (environment: RenderedEnvironment = production): Manifest[] =>
    WORKLOADS.flatMap((kind) => environment.ofKind(kind));
  const container = (kind: string, name: string, of: string): Manifest["spec"] =>
    containersOf(production.find(kind, name)).find((one) => one.name === of);
  const rule = (name: string): Manifest["spec"] => {
    const rules = production
      .ofKind("PrometheusRule")
      .flatMap(({ spec }) => spec.groups.flatMap((group: Manifest["spec"]) => group.rules));
    return rules.find(({ alert }) => alert === name);
  };

  describe("the API", () => {
    it("runs the user's own image in the container that the document's commands name", () => {
      const [app] = containersOf(production.find("Deployment", "traversion-app"));

      expect(app.name).toBe("traversion");
      expect(app.image).toBe("registry.example.com/traversion:v1.2.0");
    });

    it("is scaled from 5 to 50 pods in production and from 3 to 50 in staging", () => {
      const bounds = [production, staging].map((environment) => {
        const { minReplicas, maxReplicas } = environment.find(
          "HorizontalPodAutoscaler",
          "traversion-app",
        ).spec;
        return [minReplicas, maxReplicas];
      });

      expect(bounds).toEqual([
        [5, 50],
        [3, 50],
      ]);
      expect(production.find("Deployment", "traversion-app").spec).not.toHaveProperty("replicas");
    });

    it("is scaled by CPU above 70 %, memory above 80 % and requests per pod", () => {
      const { metrics, scaleTargetRef } = production.find("HorizontalPodAutoscaler", "traversion-app").spec;

      expect(scaleTargetRef).toEqual({ apiVersion: "apps/v1", kind: "Deployment", name: "traversion-app" });
      expect(metrics).toEqual([
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } },
        },
        {
          type: "Resource",
          resource: { name: "memory", target: { type: "Utilization", averageUtilization: 80 } },
        },
        {
          type: "Pods",
          pods: {
            metric: { name: "http_requests_per_second" },
            target: { type: "AverageValue", averageValue: "100" },
          },
        },
      ]);
    });

    it("grows faster than it shrinks", () => {
      const { scaleUp, scaleDown } = production.find("HorizontalPodAutoscaler", "traversion-app").spec
        .behavior;

      expect(scaleUp.stabilizationWindowSeconds).toBeLessThan(scaleDown.stabilizationWindowSeconds);
      expect([scaleUp.selectPolicy, scaleDown.selectPolicy]).toEqual(["Max", "Min"]);
    });

    it("has a disruption budget of one pod", () => {
      expect(production.find("PodDisruptionBudget", "traversion-app").spec).toMatchObject({
        maxUnavailable: 1,
        selector: { matchLabels: API },
      });
    });

    it("is spread over the nodes and replaced without a gap", () => {
      const { strategy, template } = production.find("Deployment", "traversion-app").spec;

      expect(template.spec.topologySpreadConstraints).toEqual([
        expect.objectContaining({
          topologyKey: "kubernetes.io/hostname",
          labelSelector: { matchLabels: API },
        }),
      ]);
      expect(strategy).toEqual({
        type: "RollingUpdate",
        rollingUpdate: { maxSurge: "25%", maxUnavailable: 0 },
      });
    });

    it("answers probes at /api/health", () => {
      const app = container("Deployment", "traversion-app", "traversion");

      for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
        expect(app[probe].httpGet).toEqual({ path: "/api/health", port: "http" });
      }
    });

    it("serves HTTP, WebSockets and metrics on ports of their own", () => {
      expect(container("Deployment", "traversion-app", "traversion").ports).toEqual([
        { name: "http", containerPort: 3333 },
        { name: "websocket", containerPort: 3334 },
        { name: "metrics", containerPort: 9090 },
      ]);
      const { ports, selector } = production.find("Service", "traversion-app").spec;
      expect(ports.map(({ targetPort }: Manifest) => targetPort)).toEqual(["http", "websocket", "metrics"]);
      expect(selector).toEqual(API);
    });

    it("reads its settings from a ConfigMap and never more connections than the database has", () => {
      const settings = production.find("ConfigMap", "traversion-config").data;
      const { maxSurge } = production.find("Deployment", "traversion-app").spec.strategy.rollingUpdate;
      const pods = Math.ceil(50 * (1 + Number.parseInt(maxSurge, 10) / 100));
      const postgres = fileOf(production, "timescaledb-config", "postgresql.conf");

      expect(Object.values(settings).every((value) => typeof value === "string")).toBe(true);
      expect(settings.DB_SSL).toBe("true");
      const others = settingOf(postgres, "superuser_reserved_connections") + 6;
      expect(pods * Number(settings.DB_POOL_SIZE) + others).toBeLessThanOrEqual(
        settingOf(postgres, "max_connections"),
      );
    });
  });

  describe("TimescaleDB", () => {
    it("answers the document's pg_dump and psql commands: a StatefulSet timescaledb with the user traversion", () => {
      const { metadata, spec } = production.find("StatefulSet", "timescaledb");
      const [database] = containersOf({ spec });

      expect(metadata?.namespace).toBe(NAMESPACE);
      expect(spec).toMatchObject({ replicas: 1, serviceName: "timescaledb" });
      expect(spec.template.metadata.annotations["kubectl.kubernetes.io/default-container"]).toBe(
        database.name,
      );
      expect(environmentOf(database)).toMatchObject({
        POSTGRES_USER: "traversion",
        POSTGRES_DB: "traversion",
      });
      expect(fileOf(production, "timescaledb-config", "pg_hba.conf")).toMatch(
        /^local\s+all\s+traversion\s+trust$/m,
      );
    });

    it("is a time-series database on PostgreSQL 17 of an exact version", () => {
      expect(container("StatefulSet", "timescaledb", "timescaledb").image).toMatch(
        /^timescale\/timescaledb:\d+\.\d+\.\d+-pg17@sha256:[0-9a-f]{64}$/,
      );
      expect(fileOf(production, "timescaledb-config", "postgresql.conf")).toMatch(
        /^shared_preload_libraries = 'timescaledb,/m,
      );
    });

    it("has 200 GB of block storage in production, in a volume of its own that can grow", () => {
      const { metadata, spec } = production.find("PersistentVolumeClaim", "timescaledb-data");

      expect(spec).toMatchObject({
        storageClassName: "do-block-storage",
        resources: { requests: { storage: "200Gi" } },
      });
      expect(metadata?.annotations).toMatchObject({ "kustomize.toolkit.fluxcd.io/prune": "disabled" });
      expect(production.find("StatefulSet", "timescaledb").spec).not.toHaveProperty("volumeClaimTemplates");
      expect(volumesOf(production.find("StatefulSet", "timescaledb"))).toContainEqual({
        name: "data",
        persistentVolumeClaim: { claimName: "timescaledb-data" },
      });
    });

    it("is smaller in staging", () => {
      const size = (environment: RenderedEnvironment): string[] => {
        const [database] = containersOf(environment.find("StatefulSet", "timescaledb"));
        const claim = environment.find("PersistentVolumeClaim", "timescaledb-data").spec.resources.requests;
        return [database.resources.limits.memory, claim.storage];
      };

      expect(size(production)).toEqual(["2Gi", "200Gi"]);
      expect(
        size(staging)
          .map(gibi)
          .every((value, index) => value < gibi(size(production)[index] ?? "")),
      ).toBe(true);
    });

    it("takes network connections only with TLS and a password, and none of the superuser", () => {
      const lines = fileOf(production, "timescaledb-config", "pg_hba.conf")
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"))
        .map((line) => line.split(/\s+/));
      const remote = lines.filter(([type, , , address]) => type !== "local" && address !== "127.0.0.1/32");

      expect(remote.map(([type, , user, , method]) => [type, user, method])).toEqual([
        ["hostssl", "traversion_api", "scram-sha-256"],
        ["hostssl", "traversion_backup", "scram-sha-256"],
        ["hostssl", "traversion_backup", "scram-sha-256"],
      ]);
      expect(fileOf(production, "timescaledb-config", "postgresql.conf")).toMatch(/^ssl = on$/m);
    });

    it("keeps what incremental backups need", () => {
      const postgres = fileOf(production, "timescaledb-config", "postgresql.conf");

      expect(postgres).toMatch(/^summarize_wal = on$/m);
      expect(postgres).toMatch(/^wal_level = replica$/m);
    });
  });

  describe("Redis", () => {
    it("keeps sessions and cached values over a restart: an append-only file on a volume", () => {
      const config = fileOf(production, "redis-config", "redis.conf");

      expect(config).toMatch(/^appendonly yes$/m);
      expect(config).toMatch(/^dir \/data$/m);
      expect(volumesOf(production.find("StatefulSet", "redis"))).toContainEqual({
        name: "data",
        persistentVolumeClaim: { claimName: "redis-data" },
      });
      expect(production.find("PersistentVolumeClaim", "redis-data").metadata?.annotations).toMatchObject({
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
      });
    });

    it("takes connections only with TLS and a password", () => {
      const config = fileOf(production, "redis-config", "redis.conf");
      const users = templateOf("redis-credentials", "users.acl");

      expect(config).toMatch(/^port 0$/m);
      expect(config).toMatch(/^tls-port 6379$/m);
      expect(config).toMatch(/^aclfile \/etc\/redis-users\/users.acl$/m);
      expect(users.match(/^user .*$/gm)).toEqual([
        expect.stringContaining("user default on >{password} "),
        expect.stringContaining("user exporter on >{exporterPassword} "),
      ]);
      expect(users).not.toContain("nopass");
    });
  });

  describe("metrics", () => {
    it("of the API and both databases are collected by Prometheus", () => {
      const monitors = production.ofKind("ServiceMonitor");

      expect(monitors.map(({ metadata }) => metadata?.name).sort()).toEqual([
        "redis",
        "timescaledb",
        "traversion-app",
      ]);
      for (const { metadata, spec } of monitors) {
        const service = production.find("Service", metadata?.name ?? "");
        expect(service.metadata?.labels).toMatchObject(spec.selector.matchLabels);
        const named = service.spec.ports.map(({ name }: { name: string }) => name);
        for (const { port } of spec.endpoints) expect(named).toContain(port);
      }
    });

    it("of HTTP requests have one name and one label for the status, whichever the image uses", () => {
      const [endpoint] = production.find("ServiceMonitor", "traversion-app").spec.endpoints;
      const renamed = (name: string): string =>
        name.replace(new RegExp(`^${endpoint.metricRelabelings[0].regex}$`), "$1");

      expect(renamed("traversion_http_requests_total")).toBe("http_requests_total");
      expect(renamed("http_requests_total")).toBe("http_requests_total");
      expect(renamed("traversion_websocket_connections")).toBe("traversion_websocket_connections");
      expect(endpoint.metricRelabelings[1]).toEqual({
        sourceLabels: ["__name__", "status"],
        regex: "http_.+;(.+)",
        targetLabel: "status_code",
      });
    });

    it.each([
      ["timescaledb", "exporter", 9187],
      ["redis", "exporter", 9121],
    ])("of %s come from an exporter beside it", (name, of, port) => {
      expect(container("StatefulSet", name, of).ports).toEqual([{ name: "metrics", containerPort: port }]);
    });
  });

  describe("alerts", () => {
    it("that are critical are the document's, no more", () => {
      const critical = production
        .ofKind("PrometheusRule")
        .flatMap(({ spec }) => spec.groups.flatMap((group: Manifest["spec"]) => group.rules))
        .filter(({ labels }) => labels.severity === "critical")
        .map(({ alert }) => alert);

      expect(critical).toEqual([
        "TraversionApiDown",
        "TraversionDatabaseDown",
        "TraversionHighErrorRate",
        "TraversionHighResponseTime",
        "TraversionHighCpu",
        "TraversionHighMemory",
      ]);
    });

    it.each([
      ["TraversionApiDown", "1m", /\bup\{[^}]*traversion-app[^}]*\}\) or vector\(0\)\) == 0$/],
      ["TraversionDatabaseDown", "1m", /pg_up\{[^}]*\}\) or vector\(0\)\) == 0$/],
      ["TraversionHighErrorRate", "2m", /status_code=~"5\.\."[\s\S]*\/[\s\S]*> 0\.10$/],
      ["TraversionHighResponseTime", "5m", /http_request_duration_seconds_bucket[\s\S]*> 2$/],
      ["TraversionHighCpu", "5m", /container_cpu_usage[\s\S]*resource="cpu"[\s\S]*> 0\.80$/],
      ["TraversionHighMemory", "5m", /container_memory_[\s\S]*resource="memory"[\s\S]*> 0\.80$/],
    ])("%s fires after %s at the document's threshold", (name, duration, expression) => {
      expect(rule(name)).toMatchObject({ for: duration, labels: { severity: "critical" } });
      expect(rule(name).expr.trim()).toMatch(expression);
    });

    it("warn when a backup on any of the four schedules is overdue", () => {
      const named = [...rule("TraversionBackupOverdue").expr.matchAll(/cronjob="([^"]+)"/g)];

      expect([...new Set(named.map(([, cronjob]) => cronjob))].sort()).toEqual(
        backups(production)
          .map(({ metadata }) => metadata?.name)
          .sort(),
      );
    });
  });

  describe("dashboards", () => {
    const dashboards = (): Array<{ title: string; panels: Array<{ title: string; targets: unknown }> }> =>
      production
        .ofKind("ConfigMap")
        .filter(({ metadata }) => metadata?.labels?.grafana_dashboard === "1")
        .flatMap(({ data }) => Object.values(data as Record<string, string>).map((text) => JSON.parse(text)));

    it.each([
      ["request rate", "rate(http_requests_total"],
      ["response times", "http_request_duration_seconds_bucket"],
      ["error rate", 'status_code=~\\"5..\\"'],
      ["status codes", "sum by (status_code)"],
      ["WebSocket connections", "traversion_websocket_connections"],
      ["database performance", "pg_stat_database_xact_commit"],
      ["CPU", "container_cpu_usage_seconds_total"],
      ["memory", "container_memory_working_set_bytes"],
      ["storage", "kubelet_volume_stats_used_bytes"],
      ["causality analysis", "traversion_causality_detections_total"],
    ])("show the %s", (_, expression) => {
      expect(JSON.stringify(dashboards().flatMap(({ panels }) => panels))).toContain(expression);
    });

    it("have panels that each have a title and a query", () => {
      expect(dashboards()).toHaveLength(3);
      for (const { panels } of dashboards()) {
        expect(panels.length).toBeGreaterThan(5);
        for (const panel of panels) {
          expect(panel).toMatchObject({ title: expect.stringMatching(/./), targets: expect.anything() });
        }
      }
    });
  });

  describe("hosts", () => {
    it.each(ENVIRONMENTS)("of %s are the document's four, each with a certificate", (name) => {
      const ingresses = environments()[name].ofKind("Ingress");
      const hosts = ingresses.flatMap(({ spec }) => spec.rules.map(({ host }: Manifest) => host));

      expect(hosts.sort()).toEqual([...HOSTS[name]].sort());
      for (const { metadata, spec } of ingresses) {
        expect(spec.tls.flatMap((entry: Manifest) => entry.hosts)).toEqual(
          spec.rules.map(({ host }: Manifest) => host),
        );
        expect(metadata?.annotations).toMatchObject({
          "cert-manager.io/cluster-issuer": `letsencrypt-${name}`,
          "traefik.ingress.kubernetes.io/router.entrypoints": "websecure",
          "nginx.ingress.kubernetes.io/force-ssl-redirect": "true",
        });
      }
    });

    it("lead to the API's HTTP port and WebSocket port by the Ingress traversion-ingress", () => {
      const { metadata, spec } = production.find("Ingress", "traversion-ingress");

      expect(metadata?.namespace).toBe(NAMESPACE);
      expect(spec.rules.map(backendOf)).toEqual([
        ["api.traversion.example.com", { name: "traversion-app", port: { name: "http" } }],
        ["ws.traversion.example.com", { name: "traversion-app", port: { name: "websocket" } }],
      ]);
    });

    it("lead to Prometheus, behind a login, and to Grafana, which has its own", () => {
      const prometheus = production.find("Ingress", "traversion-prometheus");
      const grafana = production.find("Ingress", "traversion-grafana");

      expect(prometheus.metadata?.namespace).toBe("monitoring");
      expect(prometheus.spec.rules.map(backendOf)).toEqual([
        [
          "monitoring.traversion.example.com",
          { name: "kube-prometheus-stack-prometheus", port: { number: 9090 } },
        ],
      ]);
      expect(prometheus.metadata?.annotations).toMatchObject({
        "traefik.ingress.kubernetes.io/router.middlewares":
          "monitoring-traversion-prometheus-login@kubernetescrd",
        "nginx.ingress.kubernetes.io/auth-secret": "prometheus-basic-auth",
      });
      expect(production.find("Middleware", "traversion-prometheus-login").spec.basicAuth.secret).toBe(
        "prometheus-basic-auth",
      );
      expect(grafana.spec.rules.map(backendOf)).toEqual([
        ["grafana.traversion.example.com", { name: "kube-prometheus-stack-grafana", port: { number: 80 } }],
      ]);
    });

    it("speak TLS 1.2 or newer with strong cipher suites", () => {
      const { minVersion, cipherSuites, sniStrict } = production.find("TLSOption", "traversion-tls").spec;

      // With sniStrict the first challenge of a host without a certificate would be refused.
      expect([minVersion, sniStrict]).toEqual(["VersionTLS12", undefined]);
      expect(cipherSuites.length).toBeGreaterThan(0);
      for (const suite of cipherSuites) expect(suite).toMatch(/^TLS_ECDHE_.*(GCM|CHACHA20_POLY1305)_SHA/);
      for (const { metadata } of production.ofKind("Ingress")) {
        expect(metadata?.annotations?.["traefik.ingress.kubernetes.io/router.tls.options"]).toBe(
          "traversion-system-traversion-tls@kubernetescrd",
        );
      }
    });

    it.each(ENVIRONMENTS)("of %s need no kind of traefik with the component ingress-nginx", async (name) => {
      const [kustomization] = fluxKustomizations(name).filter((one) => one.name === "traversion");
      if (!kustomization) throw new Error(`flux/clusters/${name}/traversion.yaml is missing`);
      const manifest = { ...kustomization.manifest, spec: { components: ["../base/ingress-nginx"] } };

      const objects = parseManifests(await build(tree, { ...kustomization, manifest }), name);

      expect(objects.filter(({ apiVersion }) => apiVersion.startsWith("traefik.io/"))).toEqual([]);
      expect(objects).toHaveLength(environments()[name].objects.length - 2);
    });

    it("hand on to databases by TLS whose certificates renew themselves and outlive any uptime", () => {
      const certificates = production.ofKind("Certificate").filter(({ spec }) => !spec.isCA);

      expect(certificates.map(({ spec }) => spec.secretName).sort()).toEqual([
        "redis-tls",
        "timescaledb-tls",
      ]);
      for (const { spec } of certificates) {
        const years = (hours: string): number => Number.parseInt(hours, 10) / 8760;
        expect([years(spec.duration), years(spec.renewBefore)]).toEqual([10, 9]);
        expect(spec.issuerRef).toEqual({ name: "traversion-authority", kind: "Issuer" });
      }
      expect(templateOf("timescaledb-api", "url")).toContain("sslmode=verify-full");
      expect(templateOf("redis-credentials", "url")).toMatch(/^rediss:/);
    });
  });

  describe("network policies", () => {
    const policy = (name: string): Manifest["spec"] => production.find("NetworkPolicy", name).spec;
    const peers = (name: string, port: number): unknown[] =>
      policy(name)
        .ingress.filter(({ ports }: Manifest) => ports.some((one: Manifest) => one.port === port))
        .flatMap(({ from }: Manifest) => from);

    it("deny everything that no other policy opens", () => {
      expect(production.find("NetworkPolicy", "default-deny")).toMatchObject({
        metadata: { namespace: NAMESPACE },
        spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
      });
    });

    it("open the API to the ingress controller and its metrics to Prometheus", () => {
      const controller = {
        namespaceSelector: { matchLabels: { "hybrid-gitops/role": "ingress-controller" } },
      };
      const prometheus = { namespaceSelector: { matchLabels: { "hybrid-gitops/role": "monitoring" } } };

      expect(peers("traversion-app", 3333)).toEqual([controller]);
      expect(peers("traversion-app", 3334)).toEqual([controller]);
      expect(peers("traversion-app", 9090)).toEqual([prometheus]);
      expect(peers("timescaledb", 9187)).toEqual([prometheus]);
      expect(peers("redis", 9121)).toEqual([prometheus]);
    });

    it("open the databases to the API, TimescaleDB also to the backups that read it, and nothing else", () => {
      const api = { podSelector: { matchLabels: API } };

      expect(peers("redis", 6379)).toEqual([api]);
      expect(peers("timescaledb", 5432)).toEqual([
        api,
        {
          podSelector: {
            matchExpressions: [
              { key: "app.kubernetes.io/name", operator: "In", values: ["traversion-backup"] },
              { key: "app.kubernetes.io/component", operator: "In", values: ["daily", "hourly"] },
            ],
          },
        },
      ]);
      for (const name of ["timescaledb", "redis"]) {
        expect(policy(name).policyTypes).toEqual(["Ingress", "Egress"]);
        expect(policy(name).egress).toBeUndefined();
      }
    });

    it("let nobody in to the backups, and only the weekly one out to the internet", () => {
      const reachable = (name: string): unknown[] => policy(name).egress.flatMap(({ to }: Manifest) => to);

      for (const name of ["traversion-backup-database", "traversion-backup-cloud"]) {
        expect(policy(name).ingress).toBeUndefined();
        expect(policy(name).policyTypes).toEqual(["Ingress", "Egress"]);
      }
      expect(reachable("traversion-backup-database")).toEqual([
        { podSelector: { matchLabels: { "app.kubernetes.io/name": "timescaledb" } } },
      ]);
      expect(policy("traversion-backup-cloud").podSelector.matchLabels).toMatchObject({
        "app.kubernetes.io/component": "weekly",
      });
    });
  });

  describe("rights", () => {
    it("are none for pods: each workload has its own service account without a token", () => {
      const accounts = workloads().map((workload) => {
        const { serviceAccountName, automountServiceAccountToken } = podOf(workload);
        expect(automountServiceAccountToken).toBe(false);
        return serviceAccountName;
      });

      expect([...new Set(accounts)].sort()).toEqual([
        "redis",
        "timescaledb",
        "traversion-app",
        "traversion-backup",
      ]);
      for (const name of accounts) {
        expect(production.find("ServiceAccount", name).automountServiceAccountToken).toBe(false);
      }
      const subjects = production
        .ofKind("RoleBinding")
        .flatMap(({ subjects: list }) => list.map(({ name }: { name: string }) => name));
      expect(subjects).toEqual(["traversion-operator"]);
    });

    it("of people who run it are what the document's commands need, and no secrets", () => {
      const { rules } = production.find("Role", "traversion-operator");
      const allowed = (resource: string): string[] =>
        rules
          .filter(({ resources }: Manifest) => resources.includes(resource))
          .flatMap(({ verbs }: Manifest) => verbs);

      expect(allowed("pods/exec")).toContain("create");
      expect(allowed("pods/log")).toContain("get");
      expect(allowed("deployments")).toEqual(expect.arrayContaining(["get", "list", "patch"]));
      expect(allowed("jobs")).toContain("create");
      expect(allowed("certificaterequests")).toContain("get");
      expect(allowed("secrets")).toEqual([]);
      expect(JSON.stringify(rules)).not.toContain('"*"');
      expect(production.ofKind("ClusterRole").concat(production.ofKind("ClusterRoleBinding"))).toEqual([]);
    });
  });

  describe("pods", () => {
    it.each(ENVIRONMENTS)("of %s run as non-root with a read-only file system and no capability", (name) => {
      for (const workload of workloads(environments()[name])) {
        expect(podOf(workload).securityContext).toMatchObject({
          runAsNonRoot: true,
          seccompProfile: { type: "RuntimeDefault" },
        });
        expect(podOf(workload).securityContext.runAsUser).toBeGreaterThan(0);
        for (const { securityContext } of containersOf(workload)) {
          expect(securityContext).toMatchObject({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          });
        }
      }
    });

    it("mount only ConfigMaps and volumes that exist, and secrets that are made", () => {
      const made = [
        ...traversionSecrets.map(({ name }) => name),
        ...production.ofKind("Certificate").map(({ spec }) => spec.secretName),
      ];
      const configMaps = production.ofKind("ConfigMap").map(({ metadata }) => metadata?.name);
      const claims = production.ofKind("PersistentVolumeClaim").map(({ metadata }) => metadata?.name);

      for (const workload of workloads()) {
        for (const { secret, configMap, persistentVolumeClaim } of volumesOf(workload)) {
          if (secret) expect(made).toContain(secret.secretName);
          if (configMap) expect(configMaps).toContain(configMap.name);
          if (persistentVolumeClaim) expect(claims).toContain(persistentVolumeClaim.claimName);
        }
      }
    });

    it("read keys of secrets that are declared, and no password from a ConfigMap or an argument", () => {
      const declared = new Map(traversionSecrets.map(({ name, values }) => [name, Object.keys(values)]));
      const containers = workloads().flatMap(containersOf);
      const references = containers
        .flatMap(({ env = [] }) => env)
        .flatMap(({ valueFrom }: Manifest) => valueFrom?.secretKeyRef ?? []);

      expect(references.length).toBeGreaterThan(20);
      for (const { name, key } of references) expect(declared.get(name)).toContain(key);
      for (const { env = [] } of containers) {
        const plain = env.filter(({ value }: Manifest) => value !== undefined);
        expect(plain.map(({ name }: Manifest) => name).filter(isSecret)).toEqual([]);
      }
      const keys = production.ofKind("ConfigMap").flatMap(({ data }) => Object.keys(data ?? {}));
      expect(keys.filter(isSecret)).toEqual([]);
    });
  });

  describe("the quota", () => {
    it.each(ENVIRONMENTS)("of %s has room for 50 pods in a rollout, the databases and a backup", (name) => {
      const environment = environments()[name];
      const { hard } = environment.find("ResourceQuota", "traversion").spec;
      const { maxReplicas } = environment.find("HorizontalPodAutoscaler", "traversion-app").spec;
      const api = environment.find("Deployment", "traversion-app");
      const databases = environment.ofKind("StatefulSet");
      const jobs = environment.ofKind("CronJob");
      const need = (kind: "requests" | "limits", resource: "cpu" | "memory", read: typeof cores): number =>
        Math.ceil(maxReplicas * 1.25) * sumOf([api], kind, resource, read) +
        sumOf(databases, kind, resource, read) +
        2 * Math.max(...jobs.map((job) => sumOf([job], kind, resource, read)));

      for (const kind of ["requests", "limits"] as const) {
        expect(need(kind, "cpu", cores)).toBeLessThanOrEqual(cores(hard[`${kind}.cpu`]));
        expect(need(kind, "memory", gibi)).toBeLessThanOrEqual(gibi(hard[`${kind}.memory`]));
      }
      expect(Number(hard.pods)).toBeGreaterThanOrEqual(Math.ceil(maxReplicas * 1.25) + 2 + 2);
    });

    it("comes with defaults for containers that state nothing", () => {
      const [limit] = production.find("LimitRange", "traversion").spec.limits;

      expect(limit).toMatchObject({
        type: "Container",
        default: { cpu: expect.any(String), memory: expect.any(String) },
        defaultRequest: { cpu: expect.any(String), memory: expect.any(String) },
      });
    });
  });

  describe("backups", () => {
    it.each([
      ["daily", "0 2 * * *", "a full backup at 2:00"],
      ["hourly", "45 * * * *", "an incremental backup every hour"],
      ["weekly", "10 5 * * 0", "a copy in cloud storage every Sunday"],
      ["monthly", "20 4 1 * *", "an archive on the first of the month"],
    ])("on the %s schedule run at %s: %s", (name, schedule) => {
      const { spec } = production.find("CronJob", `traversion-backup-${name}`);

      expect(spec).toMatchObject({ schedule, timeZone: "Etc/UTC", concurrencyPolicy: "Forbid" });
      expect(spec).not.toHaveProperty("suspend");
      const [{ command }] = containersOf({ spec });
      expect(command).toEqual(["/bin/sh", `/scripts/${name}.sh`]);
      expect(spec.jobTemplate.spec.activeDeadlineSeconds).toBeGreaterThan(0);
      expect([spec.successfulJobsHistoryLimit, spec.failedJobsHistoryLimit]).toEqual([2, 3]);
    });

    it("never write at the same time: their volume takes one pod", () => {
      expect(production.find("PersistentVolumeClaim", "traversion-backups").spec.accessModes).toEqual([
        "ReadWriteOncePod",
      ]);
      for (const job of production.ofKind("CronJob")) {
        expect(volumesOf(job)).toContainEqual({
          name: "backups",
          persistentVolumeClaim: { claimName: "traversion-backups" },
        });
      }
    });

    it("that wait for the volume have a longer deadline than those they wait for", () => {
      const deadline = (name: string): number =>
        production.find("CronJob", `traversion-backup-${name}`).spec.jobTemplate.spec.activeDeadlineSeconds;

      for (const name of ["daily", "weekly", "monthly"]) {
        expect(deadline("hourly")).toBeGreaterThan(deadline(name));
      }
    });

    it("are made by the database's own version, as a user that may read everything and write nothing", () => {
      const { image } = container("StatefulSet", "timescaledb", "timescaledb");

      for (const name of ["traversion-backup-daily", "traversion-backup-hourly", "traversion-restore"]) {
        expect(containersOf(production.find("CronJob", name))[0].image).toBe(image);
      }
      expect(production.find("ConfigMap", "traversion-backup-settings").data).toMatchObject({
        PGUSER: "traversion_backup",
        PGSSLMODE: "verify-full",
      });
      expect(fileOf(production, "timescaledb-scripts", "roles.sh")).toMatch(
        /GRANT pg_read_all_data TO traversion_backup;/,
      );
    });

    it("stay: the volume is never pruned, and staging keeps fewer of them", () => {
      const kept = (environment: RenderedEnvironment): number[] => {
        const { data } = environment.find("ConfigMap", "traversion-backup-settings");
        return ["CHAINS_KEPT", "DUMPS_KEPT", "ARCHIVES_KEPT"].map((key) => Number(data[key]));
      };

      expect(
        production.find("PersistentVolumeClaim", "traversion-backups").metadata?.annotations,
      ).toMatchObject({ "kustomize.toolkit.fluxcd.io/prune": "disabled" });
      expect(kept(production)).toEqual([2, 3, 12]);
      expect(kept(staging)).toEqual([1, 2, 2]);
    });

    it("to cloud storage are off until a bucket is given", () => {
      const cloud = traversionSecrets.find(({ name }) => name === "traversion-backup-cloud");

      expect(Object.keys(cloud?.values ?? {})).toEqual([
        "bucket",
        "endpoint",
        "accessKeyId",
        "secretAccessKey",
      ]);
      for (const value of Object.values(cloud?.values ?? {})) {
        expect(value).toMatchObject({ withoutIt: "the weekly backup to cloud storage is left out" });
      }
    });

    it("are restored by a Job that never starts by itself", () => {
      const { spec } = production.find("CronJob", "traversion-restore");
      const volumes = volumesOf({ spec });

      expect(spec.suspend).toBe(true);
      expect(spec.jobTemplate.spec.backoffLimit).toBe(0);
      expect(volumes).toContainEqual({
        name: "data",
        persistentVolumeClaim: { claimName: "timescaledb-data" },
      });
    });
  });

  it("keeps its data when its entry is removed", () => {
    const kept = [production.find("Namespace", NAMESPACE), ...production.ofKind("PersistentVolumeClaim")];

    expect(kept).toHaveLength(4);
    for (const { metadata } of kept) {
      expect(metadata?.annotations).toMatchObject({ "kustomize.toolkit.fluxcd.io/prune": "disabled" });
    }
  });
});

describe("traversion's secrets", () => {
  const values = traversionSecrets.flatMap(({ name, values: of }) =>
    Object.entries(of).map(([key, value]) => ({ place: `${name}.${key}`, value })),
  );

  it("are generated, or given by a person and optional", () => {
    const random = values.filter(({ value }) => "random" in value);
    expect(random.length).toBeGreaterThan(8);
    for (const { value } of random) expect(value).toMatchObject({ bytes: expect.any(Number) });
    for (const { value } of values) if ("variable" in value) expect(value.withoutIt).toMatch(/./);
  });

  it("have passwords and keys of 32 bytes, as the document's openssl rand, in templates of known keys only", () => {
    expect(traversionSecrets.find(({ name }) => name === "traversion-keys")?.values).toMatchObject({
      jwt: { random: "hex", bytes: 32 },
      session: { random: "hex", bytes: 32 },
      encryption: { random: "hex", bytes: 32 },
    });
    for (const { values: of } of traversionSecrets) {
      for (const value of Object.values(of)) {
        if (!("template" in value)) continue;
        const names = [...value.template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        for (const name of names) expect(Object.keys(of)).toContain(name);
      }
    }
  });

  it("for Prometheus' login are of the type that both ingress controllers read", () => {
    const login = traversionSecrets.find(({ name }) => name === "prometheus-basic-auth");

    expect(login).toMatchObject({ namespace: "monitoring", type: "kubernetes.io/basic-auth" });
    expect(Object.keys(login?.values ?? {})).toEqual(["username", "password", "auth"]);
  });
});

/** What has the template of a pod. */
type Workload = { readonly [key: string]: Manifest["spec"] };

function podOf(workload: Workload): Manifest["spec"] {
  return (workload.spec.jobTemplate?.spec ?? workload.spec).template.spec;
}

function containersOf(workload: Workload): Array<Manifest["spec"]> {
  const { initContainers = [], containers } = podOf(workload);
  return [...containers, ...initContainers];
}

function volumesOf(workload: Workload): Array<Manifest["spec"]> {
  return podOf(workload).volumes ?? [];
}

function environmentOf(container: Manifest["spec"]): Record<string, string> {
  return Object.fromEntries(container.env.map(({ name, value }: Manifest) => [name, value]));
}

/** A file of a generated ConfigMap, whose name ends in a hash. */
function fileOf(environment: RenderedEnvironment, configMap: string, file: string): string {
  const found = environment
    .ofKind("ConfigMap")
    .find(({ metadata }) => new RegExp(`^${configMap}-[a-z0-9]{10}$`).test(metadata?.name ?? ""));
  return found?.data?.[file] ?? "";
}

function settingOf(config: string, name: string): number {
  return Number(new RegExp(`^${name} = (\\d+)$`, "m").exec(config)?.[1]);
}

function templateOf(secret: string, key: string): string {
  const value: SecretValue | undefined = traversionSecrets.find(({ name }) => name === secret)?.values[key];
  return value && "template" in value ? value.template : "";
}

function backups(environment: RenderedEnvironment): Manifest[] {
  return environment
    .ofKind("CronJob")
    .filter(({ metadata }) => metadata?.name.startsWith("traversion-backup-"));
}

function backendOf({ host, http }: Manifest): [string, unknown] {
  return [host, http.paths[0].backend.service];
}

const isSecret = (name: string): boolean => /PASS|SECRET|TOKEN|PRIVATE|(^|_)KEY$/.test(name.toUpperCase());

function cores(quantity: string): number {
  return quantity.endsWith("m") ? Number.parseInt(quantity, 10) / 1000 : Number(quantity);
}

function gibi(quantity: string): number {
  return Number.parseFloat(quantity) / (quantity.endsWith("Mi") ? 1024 : 1);
}

function sumOf(
  workloads: readonly Manifest[],
  kind: "requests" | "limits",
  resource: "cpu" | "memory",
  read: (quantity: string) => number,
): number {
  return workloads
    .flatMap(containersOf)
    .map(({ resources }) => read(String(resources[kind][resource])))
    .reduce((sum, value) => sum + value, 0);
}
