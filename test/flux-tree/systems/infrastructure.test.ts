import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parse } from "yaml";
import { build as buildKustomization, substitute } from "../../../src/flux-tree";
import { infrastructureSecrets } from "../../../src/secrets/applications/infrastructure";
import { privateDirectory, webhookPath } from "../../../src/secrets/private-files";
import { describeWithKubectl } from "../kubectl";
import { ENVIRONMENTS, producedVariables } from "../produced-names";
import { type RenderedEnvironment, rendered } from "../rendered-environment";
import { fluxKustomizations, type Manifest, manifestsOf, parseManifests, tree } from "../tree";

/** What differs between the environments of the example. */
const EXPECTED = [
  {
    environment: "production",
    cluster: "my-startup-production",
    domain: "example.com",
    retention: "30d",
    backupsKept: "720h0m0s",
    metricsVolume: "100Gi",
    ingressReplicas: 2,
    sizeUnit: "2",
  },
  {
    environment: "staging",
    cluster: "my-startup-staging",
    domain: "staging.example.com",
    retention: "7d",
    backupsKept: "168h0m0s",
    metricsVolume: "50Gi",
    ingressReplicas: 1,
    sizeUnit: "1",
  },
] as const;

const AUTHORITY = "hybrid-gitops/role";
const role = (name: string) => ({ namespaceSelector: { matchLabels: { [AUTHORITY]: name } } });
const quantities = {
  cpu: expect.stringMatching(/^\d+m?$/),
  memory: expect.stringMatching(/^\d+[MG]i$/),
};
const stated = { requests: quantities, limits: quantities };

describeWithKubectl("infrastructure", () => {
  describe.each(EXPECTED)("in $environment", (expected) => {
    let all: RenderedEnvironment;
    const part = (name: string): RenderedEnvironment => all.system(`infrastructure-${name}`);
    const values = (system: string, name: string) => part(system).find("HelmRelease", name).spec.values;
    beforeAll(async () => {
      all = await rendered(expected.environment);
    });

    describe("its parts", () => {
      test("are Flux Kustomizations of their own, and applications wait for controllers and configs only", () => {
        const dependsOn = Object.fromEntries(
          fluxKustomizations(expected.environment).map(({ name, manifest }) => [
            name,
            (manifest.spec.dependsOn ?? []).map(({ name: other }: { name: string }) => other),
          ]),
        );

        expect(dependsOn).toMatchObject({
          "infrastructure-controllers": [],
          "infrastructure-configs": ["infrastructure-controllers"],
          "infrastructure-dns": [],
          "infrastructure-monitoring": ["infrastructure-controllers"],
          "infrastructure-backups": [],
          "infrastructure-notifications": ["infrastructure-configs"],
        });
        // What a user may have no account or key for never keeps an application from starting.
        const waiting = Object.entries(dependsOn).filter(([name]) => !name.startsWith("infrastructure-"));
        expect(
          waiting.filter(([, names]) =>
            names.some((name: string) => /-(dns|backups|notifications)$/.test(name)),
          ),
        ).toEqual([]);
      });

      test("decrypt their secrets with the key of the environment where they have some, and nowhere else", () => {
        const decrypting = fluxKustomizations(expected.environment)
          .filter(({ name, manifest }) => name.startsWith("infrastructure-") && manifest.spec.decryption)
          .map(({ name, manifest }) => [name, manifest.spec.decryption]);

        const sops = { provider: "sops", secretRef: { name: "sops-age" } };
        expect(decrypting).toEqual([
          ["infrastructure-backups", sops],
          ["infrastructure-dns", sops],
          ["infrastructure-monitoring", sops],
          ["infrastructure-notifications", sops],
        ]);
      });

      test("have restricted namespaces, but for node-exporter and velero, which say why", () => {
        const levels = all.systems
          .filter(({ name }) => name.startsWith("infrastructure-"))
          .flatMap(({ objects }) => objects)
          .filter(({ kind }) => kind === "Namespace")
          .map(({ metadata }) => [
            metadata?.name,
            metadata?.labels?.["pod-security.kubernetes.io/enforce"],
            metadata?.annotations?.["hybrid-gitops/reason.pod-security"] !== undefined,
          ]);

        expect(levels.sort()).toEqual([
          ["cert-manager", "restricted", false],
          ["cnpg-system", "restricted", false],
          ["external-dns", "restricted", false],
          ["metrics-server", "restricted", false],
          ["monitoring", "restricted", false],
          ["node-exporter", "privileged", true],
          ["traefik", "restricted", false],
          ["velero", "baseline", true],
        ]);
      });
    });

    describe("external-dns", () => {
      test("writes records of the project's zone and of the environment's domain at DigitalOcean", () => {
        expect(values("dns", "external-dns")).toMatchObject({
          provider: { name: "digitalocean" },
          sources: ["ingress", "service"],
          domainFilters: ["example.com", expected.domain],
          env: [
            {
              name: "DO_TOKEN",
              valueFrom: { secretKeyRef: { name: "digitalocean-token", key: "token" } },
            },
          ],
        });
      });

      test("is of the last version that knows DigitalOcean", () => {
        expect(part("dns").find("HelmRelease", "external-dns").spec.chart.spec.version).toBe("1.20.0");
      });

      test("deletes only records that it made itself, by TXT records with the cluster's name", () => {
        expect(values("dns", "external-dns")).toMatchObject({
          policy: "sync",
          registry: "txt",
          txtOwnerId: expected.cluster,
        });
      });
    });

    describe("metrics-server", () => {
      test("verifies kubelets and is verified by the API server", () => {
        const { tls, apiService, args, defaultArgs } = values("controllers", "metrics-server");

        expect(tls).toEqual({ type: "cert-manager" });
        expect(apiService).toEqual({ insecureSkipTLSVerify: false });
        expect([args, defaultArgs]).toEqual([undefined, undefined]);
        expect(part("controllers").find("HelmRelease", "metrics-server").spec.dependsOn).toEqual([
          { name: "cert-manager" },
        ]);
      });
    });

    describe("monitoring", () => {
      const stack = () => values("monitoring", "kube-prometheus-stack");

      test("has services of the names that applications use", () => {
        expect(part("monitoring").find("HelmRelease", "kube-prometheus-stack").spec).toMatchObject({
          releaseName: "kube-prometheus-stack",
          targetNamespace: "monitoring",
        });
        expect(stack().fullnameOverride).toBeUndefined();
        expect(values("monitoring", "prometheus-adapter").prometheus).toEqual({
          url: "http://kube-prometheus-stack-prometheus.monitoring.svc",
          port: 9090,
        });
        expect(part("monitoring").find("Namespace", "monitoring").metadata?.labels).toMatchObject({
          [AUTHORITY]: "monitoring",
        });
      });

      test("takes ServiceMonitors, PodMonitors and rules of every namespace", () => {
        expect(stack().prometheus.prometheusSpec).toMatchObject({
          serviceMonitorSelectorNilUsesHelmValues: false,
          podMonitorSelectorNilUsesHelmValues: false,
          ruleSelectorNilUsesHelmValues: false,
          probeSelectorNilUsesHelmValues: false,
        });
        expect(stack().grafana.sidecar.dashboards.searchNamespace).toBe("ALL");
      });

      test("keeps metrics as long as the environment needs them", () => {
        expect(stack().prometheus.prometheusSpec.retention).toBe(expected.retention);
      });

      test("has its data in claims of its own, which are kept", () => {
        const claim = part("monitoring").find("PersistentVolumeClaim", "prometheus-data");
        expect(claim.spec.resources.requests.storage).toBe(expected.metricsVolume);
        expect(claim.metadata?.annotations).toMatchObject({
          "kustomize.toolkit.fluxcd.io/prune": "disabled",
        });
        const { prometheusSpec } = stack().prometheus;
        expect(prometheusSpec.storageSpec).toBeUndefined();
        expect(mountedClaim(prometheusSpec, "prometheus", "/prometheus")).toBe("prometheus-data");
        const { alertmanagerSpec } = stack().alertmanager;
        expect(alertmanagerSpec.storage).toBeUndefined();
        expect(mountedClaim(alertmanagerSpec, "alertmanager", "/alertmanager")).toBe("alertmanager-data");
        expect(part("monitoring").find("PersistentVolumeClaim", "alertmanager-data")).toBeDefined();
      });

      test("states the resources of every container", () => {
        const { prometheusOperator, prometheus, alertmanager, grafana } = stack();
        for (const resources of [
          prometheusOperator.resources,
          prometheusOperator.prometheusConfigReloader.resources,
          prometheus.prometheusSpec.resources,
          alertmanager.alertmanagerSpec.resources,
          stack()["kube-state-metrics"].resources,
          stack()["prometheus-node-exporter"].resources,
          grafana.resources,
          grafana.sidecar.resources,
          values("monitoring", "prometheus-adapter").resources,
        ]) {
          expect(resources).toEqual(stated);
        }
        // Without these no init container changes owners, and no job makes certificates.
        expect(grafana.persistence.enabled).toBe(false);
        expect(prometheusOperator.admissionWebhooks.certManager.enabled).toBe(true);
      });

      test("has node-exporter in a namespace of its own", () => {
        expect(stack()["prometheus-node-exporter"].namespaceOverride).toBe("node-exporter");
      });

      test("reads nothing of the control plane that DOKS doesn't show", () => {
        const off = ["kubeControllerManager", "kubeEtcd", "kubeProxy", "kubeScheduler"];
        expect(off.map((name) => stack()[name])).toEqual(off.map(() => ({ enabled: false })));
      });

      test("has Grafana at the environment's host, with a generated password", () => {
        const { grafana } = stack();

        const host = expected.domain === "example.com" ? "" : "staging.";
        expect(grafana["grafana.ini"].server.root_url).toBe(`https://grafana.traversion.${host}example.com`);
        expect(grafana.admin).toEqual({
          existingSecret: "grafana-admin",
          userKey: "username",
          passwordKey: "password",
        });
        expect(grafana.adminPassword).toBeUndefined();
      });

      test("lets nothing read the Secrets of other namespaces", () => {
        const [patch] = part("monitoring").find("HelmRelease", "kube-prometheus-stack").spec.postRenderers[0]
          .kustomize.patches;
        expect(patch.target.name).toBe("kube-prometheus-stack-grafana-clusterrole");
        expect(parse(patch.patch)).toEqual([
          { op: "test", path: "/rules/0/resources", value: ["configmaps", "secrets"] },
          { op: "replace", path: "/rules/0/resources", value: ["configmaps"] },
        ]);
        expect(stack()["kube-state-metrics"].collectorsExclude).toContain("secrets");
      });

      test("routes alerts by severity to receivers that send nothing until an option says where", () => {
        const { config, alertmanagerSpec } = stack().alertmanager;

        expect(receiverOf(config.route, { severity: "critical" })).toBe("critical");
        expect(receiverOf(config.route, { severity: "warning" })).toBe("warning");
        // Alerts of Flux have the severity "error".
        expect(receiverOf(config.route, { severity: "error" })).toBe("warning");
        expect(receiverOf(config.route, { severity: "none", alertname: "Watchdog" })).toBe("nobody");
        expect(receiverOf(config.route, { severity: "info" })).toBe("nobody");
        expect(config.receivers).toEqual([{ name: "nobody" }, { name: "critical" }, { name: "warning" }]);
        expect(alertmanagerSpec.secrets).toEqual([]);
      });

      test("tells of one thing once: critical alerts silence the warnings about the same", () => {
        expect(stack().alertmanager.config.inhibit_rules).toContainEqual({
          source_matchers: ["severity = critical"],
          target_matchers: ['severity =~ "warning|info"'],
          equal: ["namespace", "alertname"],
        });
      });

      test("scrapes every controller of the infrastructure, whose policies let it in", () => {
        const ports: Record<string, readonly [string, number]> = {
          "cert-manager": ["cert-manager", 9402],
          "cloudnative-pg": ["cnpg-system", 8080],
          "external-dns": ["external-dns", 7979],
          "ingress-controller": ["traefik", 9100],
          velero: ["velero", 8085],
        };
        const monitors = stack().prometheus.additionalPodMonitors.map(({ name }: { name: string }) => name);
        expect(monitors).toEqual(expect.arrayContaining([...Object.keys(ports), "flux", "postgresql"]));
        for (const [namespace, port] of Object.values(ports)) {
          const opened = all
            .ofKind("NetworkPolicy")
            .filter(({ metadata }) => metadata?.namespace === namespace)
            .flatMap(({ spec }) => spec.ingress ?? []);
          expect(opened).toContainEqual({
            from: [role("monitoring")],
            ports: [{ protocol: "TCP", port }],
          });
        }
      });

      test("scrapes every PostgreSQL instance, whose policies let it in", () => {
        const databases = all.ofKind("Cluster");
        expect(databases.length).toBeGreaterThan(2);
        for (const { metadata } of databases) {
          const policies = all
            .ofKind("NetworkPolicy")
            .filter(({ spec }) => spec.podSelector.matchLabels?.["cnpg.io/cluster"] === metadata?.name);
          expect([metadata?.name, policies.flatMap(({ spec }) => spec.ingress ?? [])]).toEqual([
            metadata?.name,
            expect.arrayContaining([
              { from: [role("monitoring")], ports: [{ protocol: "TCP", port: 9187 }] },
            ]),
          ]);
        }
      });

      test("gives autoscalers the requests per second of each pod", () => {
        expect(values("monitoring", "prometheus-adapter").rules).toEqual({
          default: false,
          custom: [
            {
              seriesQuery: 'http_requests_total{namespace!="",pod!=""}',
              resources: {
                overrides: { namespace: { resource: "namespace" }, pod: { resource: "pod" } },
              },
              name: { matches: "^http_requests_total$", as: "http_requests_per_second" },
              metricsQuery: "sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)",
            },
          ],
        });
      });
    });

    describe("backups", () => {
      const velero = () => values("backups", "velero");

      test("go to a Spaces bucket of the cluster's name in its region", () => {
        expect(velero().configuration.backupStorageLocation).toEqual([
          {
            name: "default",
            provider: "aws",
            default: true,
            bucket: `${expected.cluster}-backups`,
            config: {
              region: "nyc3",
              s3Url: "https://nyc3.digitaloceanspaces.com",
              checksumAlgorithm: "",
            },
          },
        ]);
        expect(velero().credentials).toEqual({ existingSecret: "spaces-credentials" });
      });

      test("are made every day and kept as long as the environment needs them", () => {
        const { daily } = velero().schedules;

        expect(daily.schedule).toBe("0 4 * * *");
        expect(daily.template.ttl).toBe(expected.backupsKept);
      });

      test("move volumes' snapshots to the bucket, since DigitalOcean keeps 25 of a volume", () => {
        expect(velero().schedules.daily.template.snapshotMoveData).toBe(true);
        expect(velero().configuration.features).toBe("EnableCSI");
        expect(velero()).toMatchObject({ deployNodeAgent: true, nodeAgent: { disableHostPath: true } });
        // Velero's chart puts the release's name before that of a ConfigMap.
        expect(Object.keys(velero().configMaps)).toEqual(["node-agent"]);
        expect(velero().nodeAgent.extraArgs).toEqual(["--node-agent-configmap=velero-node-agent"]);
        expect(JSON.parse(velero().configMaps["node-agent"].data["node-agent.json"])).toMatchObject({
          podResources: { cpuRequest: "50m", memoryLimit: "1Gi" },
        });
      });

      test("leave out the namespace of the key that decrypts the secrets", () => {
        expect(velero().schedules.daily.template.excludedNamespaces).toContain("flux-system");
      });

      test("state the resources of every container", () => {
        const [plugin] = velero().initContainers;
        for (const resources of [velero().resources, velero().nodeAgent.resources, plugin.resources]) {
          expect(resources).toEqual(stated);
        }
        expect(velero().upgradeCRDs).toBe(false);
      });
    });

    describe("notifications", () => {
      test("show at each commit whether it is applied", () => {
        const notifications = part("notifications");

        expect(notifications.find("Provider", "github-commit-status").spec).toEqual({
          type: "github",
          address: "https://github.com/my-github-user/my-repository",
          secretRef: { name: "github-token" },
        });
        expect(notifications.find("Alert", "github-commit-status").spec).toEqual({
          providerRef: { name: "github-commit-status" },
          eventSeverity: "info",
          eventSources: [{ kind: "Kustomization", name: "*" }],
        });
      });

      test("send what fails to the Alertmanager, which lets Flux in", () => {
        const { eventSources, eventSeverity } = part("notifications").find("Alert", "alertmanager").spec;

        expect(eventSeverity).toBe("error");
        expect(eventSources).toEqual(
          expect.arrayContaining([
            { kind: "Kustomization", name: "*" },
            { kind: "HelmRelease", name: "*" },
          ]),
        );
        const { address, type } = part("notifications").find("Provider", "alertmanager").spec;
        expect([type, new URL(address).host]).toEqual([
          "alertmanager",
          "kube-prometheus-stack-alertmanager.monitoring.svc:9093",
        ]);
        expect(part("monitoring").find("NetworkPolicy", "alertmanager").spec.ingress).toContainEqual({
          from: [
            {
              namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "flux-system" } },
              podSelector: { matchLabels: { app: "notification-controller" } },
            },
          ],
          ports: [{ protocol: "TCP", port: 9093 }],
        });
      });

      test("have a receiver of pushes at the path that GitHub is told", () => {
        const { metadata, spec } = part("notifications").find("Receiver", "flux-system");

        expect(spec).toEqual({
          type: "generic",
          secretRef: { name: "webhook-token" },
          resources: [
            { apiVersion: "source.toolkit.fluxcd.io/v1", kind: "GitRepository", name: "flux-system" },
          ],
        });
        const directory = mkdtempSync(path.join(tmpdir(), "receiver-"));
        const told = webhookPath(directory, expected.environment, undefined);
        const token = readFileSync(
          path.join(privateDirectory(directory, expected.environment), "webhook-token"),
          "utf8",
        ).trim();
        const digest = createHash("sha256")
          .update(`${token}${metadata?.name}${metadata?.namespace}`)
          .digest("hex");
        expect(told).toBe(`/hook/${digest}`);
      });

      test("receive over a host with a certificate that GitHub trusts", () => {
        const { metadata, spec } = part("notifications").find("Ingress", "webhook-receiver");

        const host = `flux.${expected.domain}`;
        expect(metadata?.annotations).toMatchObject({
          "cert-manager.io/cluster-issuer": "letsencrypt-production",
        });
        expect(spec.ingressClassName).toBe("traefik");
        expect(spec.tls).toEqual([{ hosts: [host], secretName: "webhook-receiver-tls" }]);
        expect(spec.rules).toEqual([
          {
            host,
            http: {
              paths: [
                {
                  path: "/hook/",
                  pathType: "Prefix",
                  backend: { service: { name: "webhook-receiver", port: { number: 80 } } },
                },
              ],
            },
          },
        ]);
        expect(part("notifications").find("NetworkPolicy", "allow-acme-solver").metadata?.namespace).toBe(
          "flux-system",
        );
      });
    });

    describe("the option ingress-nginx", () => {
      let objects: Manifest[];
      const find = (kind: string, name: string) =>
        objects.find((object) => object.kind === kind && object.metadata?.name === name);
      beforeAll(async () => {
        objects = await withComponents(
          expected.environment,
          "infrastructure-controllers",
          ["../../components/ingress-nginx"],
          { infraConfig_networking_ingressClass: "nginx" },
        );
      });

      test("takes the place of traefik, of which nothing is left", () => {
        const traefik = objects.filter(({ metadata }) =>
          [metadata?.name, metadata?.namespace].includes("traefik"),
        );
        expect(traefik).toEqual([]);
        expect(find("Namespace", "ingress-nginx")?.metadata?.labels).toMatchObject({
          [AUTHORITY]: "ingress-controller",
          "pod-security.kubernetes.io/enforce": "restricted",
        });
        expect(find("HelmRelease", "cert-manager")).toBeDefined();
        const policies = objects.filter(
          ({ kind, metadata }) => kind === "NetworkPolicy" && metadata?.namespace === "ingress-nginx",
        );
        expect(policies.map(({ metadata }) => metadata?.name).sort()).toEqual([
          "allow-dns",
          "default-deny",
          "ingress-nginx",
        ]);
      });

      test("has the same class, load balancer and client addresses as traefik", () => {
        const { controller } = find("HelmRelease", "ingress-nginx")?.spec.values ?? {};

        expect(controller).toMatchObject({
          replicaCount: expected.ingressReplicas,
          maxUnavailable: 1,
          ingressClassResource: { name: "nginx", default: true },
          config: {
            "use-proxy-protocol": "true",
            "proxy-real-ip-cidr": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16",
          },
          service: {
            externalTrafficPolicy: "Local",
            annotations: {
              "service.beta.kubernetes.io/do-loadbalancer-name": expected.cluster,
              "service.beta.kubernetes.io/do-loadbalancer-size-unit": expected.sizeUnit,
              "service.beta.kubernetes.io/do-loadbalancer-enable-proxy-protocol": "true",
            },
          },
        });
        const [spread] = controller.topologySpreadConstraints;
        expect(spread.topologyKey).toBe("kubernetes.io/hostname");
      });

      test("states the resources of the controller and of its webhook's jobs", () => {
        const { resources, admissionWebhooks } =
          find("HelmRelease", "ingress-nginx")?.spec.values.controller ?? {};

        expect([
          resources,
          admissionWebhooks.createSecretJob.resources,
          admissionWebhooks.patchWebhookJob.resources,
        ]).toEqual([stated, stated, stated]);
      });
    });

    describe("the options of alerts", () => {
      const config = async (...components: string[]) => {
        const objects = await withComponents(
          expected.environment,
          "infrastructure-monitoring",
          components.map((name) => `../components/${name}`),
        );
        return objects.find(({ metadata }) => metadata?.name === "kube-prometheus-stack")?.spec.values
          .alertmanager;
      };

      test("send mail to the project's address, with the password in a file", async () => {
        const { alertmanagerSpec, config: mail } = await config("alerts-by-email");

        expect(alertmanagerSpec.secrets).toEqual(["alertmanager-smtp"]);
        expect(mail.global).toMatchObject({
          smtp_auth_password_file: "/etc/alertmanager/secrets/alertmanager-smtp/password",
          // DigitalOcean blocks the other ports of mail.
          smtp_smarthost: expect.stringMatching(/:2525$/),
        });
        const to = [{ to: "admin@example.com", send_resolved: true }];
        expect(mail.receivers).toEqual([
          { name: "nobody" },
          { name: "critical", email_configs: to },
          { name: "warning", email_configs: to },
        ]);
      });

      test("send messages to a channel, with its address in a file, and go with mail", async () => {
        const { alertmanagerSpec, config: both } = await config("alerts-by-email", "alerts-to-slack");

        expect(alertmanagerSpec.secrets).toEqual(["alertmanager-smtp", "alertmanager-slack"]);
        for (const receiver of both.receivers.slice(1)) {
          expect(receiver.slack_configs).toEqual([
            expect.objectContaining({ api_url_file: "/etc/alertmanager/secrets/alertmanager-slack/url" }),
          ]);
          expect(receiver.email_configs).toHaveLength(1);
        }
      });
    });
  });

  test("its secrets are declared where the part that uses them finds them", async () => {
    const system = (await rendered("production")).systems.filter(({ name }) =>
      name.startsWith("infrastructure-"),
    );

    for (const { folder, namespace, name } of infrastructureSecrets) {
      const owner = system.find(({ path: applied }) => applied === `${folder}/production`);
      expect([name, owner?.manifest.spec.decryption?.provider]).toEqual([name, "sops"]);
      const namespaces = owner?.objects
        .filter(({ kind }) => kind === "Namespace")
        .map(({ metadata }) => metadata?.name);
      expect([...(namespaces ?? []), "flux-system"]).toContain(namespace);
      for (const environment of ENVIRONMENTS) {
        expect(tree.referencesOf(`${folder}/${environment}/kustomization.yaml`)).toContain(
          `${folder}/${environment}/secrets`,
        );
        expect(manifestsOf(`${folder}/${environment}/secrets/kustomization.yaml`)[0]?.labels).toEqual([
          { pairs: { "hybrid-gitops/encrypted-with": "sops" } },
        ]);
      }
    }
  });
});

/** What Flux applies for a Flux Kustomization whose `spec.components` names these. */
async function withComponents(
  environment: (typeof ENVIRONMENTS)[number],
  name: string,
  components: readonly string[],
  changed: Readonly<Record<string, string>> = {},
): Promise<Manifest[]> {
  const kustomization = fluxKustomizations(environment).find((one) => one.name === name);
  if (!kustomization) throw new Error(`${environment} has no Flux Kustomization ${name}`);
  const manifest = { ...kustomization.manifest, spec: { ...kustomization.manifest.spec, components } };
  const text = await buildKustomization(tree, { ...kustomization, manifest });
  return parseManifests(substitute(text, { ...producedVariables(environment), ...changed }), name);
}

/** The claim behind a path in a container that the Prometheus operator makes. */
function mountedClaim(spec: any, container: string, mountPath: string): string | undefined {
  const mount = spec.containers
    .find(({ name }: { name: string }) => name === container)
    ?.volumeMounts.find((one: { mountPath: string }) => one.mountPath === mountPath);
  return spec.volumes.find(({ name }: { name: string }) => name === mount?.name)?.persistentVolumeClaim
    ?.claimName;
}

interface Route {
  readonly receiver: string;
  readonly matchers?: readonly string[];
  readonly routes?: readonly Route[];
}

/** The receiver that Alertmanager would choose: that of the first route whose matchers all fit. */
function receiverOf(route: Route, labels: Readonly<Record<string, string>>): string {
  const fits = (matcher: string): boolean => {
    const [, label = "", operator, value = ""] = /^(\w+)\s*(=~|=)\s*"?([^"]*)"?$/.exec(matcher) ?? [];
    const actual = labels[label] ?? "";
    return operator === "=~" ? new RegExp(`^(?:${value})$`).test(actual) : actual === value;
  };
  const child = route.routes?.find(({ matchers = [] }) => matchers.every(fits));
  return child ? receiverOf(child, labels) : route.receiver;
}
