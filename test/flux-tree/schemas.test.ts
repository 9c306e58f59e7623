import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { checkSchemas, MissingSchemas, schemasDirectory } from "../../src/flux-tree/schemas";
import { type Manifest, parseManifests } from "../../src/flux-tree/tree";
import { describeWithTools } from "./schema-tools";

const object = (text: string): Manifest => parseManifests(text, "object")[0] as Manifest;

/** A change of a good object, with the path that the problem is at and what it says. */
type Mistake = readonly [path: string, value: unknown, problem: string, message: RegExp];

interface Case {
  readonly good: string;
  readonly mistakes: readonly Mistake[];
}

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop, annotations: { a: "3" }, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: web:1.0.0
          imagePullPolicy: IfNotPresent
          env: [{ name: SIZE, value: "3" }, { name: COLOUR, value: red }]
          ports: [{ name: http, containerPort: 80 }, { name: dns, containerPort: 80, protocol: UDP }]
          livenessProbe: { httpGet: { path: /, port: http } }
          readinessProbe: { httpGet: { path: /, port: 80 } }
          resources:
            requests: { cpu: 1, memory: 1Gi }
            limits: { cpu: 1500m, memory: 1e9 }
`;
const CONTAINER = "spec.template.spec.containers[0]";

const CASES: Readonly<Record<string, Case>> = {
  Deployment: {
    good: DEPLOYMENT,
    mistakes: [
      ["spec.replicass", 2, "spec.replicass", /no such field; did you mean replicas\?/],
      ["spec.replicas", "2", "spec.replicas", /is a string, has to be an integer/],
      ["spec.replicas", 2.5, "spec.replicas", /has to be an integer/],
      ["spec.replicas", 2 ** 31, "spec.replicas", /maximum/],
      ["spec.selector", undefined, "spec.selector", /is missing/],
      ["metadata.annotations.a", 3, "metadata.annotations.a", /has to be a string; write it in quotes/],
      ["metadata.annotations.a", true, "metadata.annotations.a", /is a boolean, has to be a string/],
      ["metadata.labels.app", "two words", "metadata.labels.app", /has to match/],
      ["metadata.name", undefined, "metadata.name", /is missing/],
      ["metadata", undefined, "metadata", /is missing/],
      [`${CONTAINER}.env[0].value`, 3, `${CONTAINER}.env[0].value`, /\$\{quote\}\$\{…\}\$\{quote\}/],
      [`${CONTAINER}.env[1].name`, "SIZE", `${CONTAINER}.env[1]`, /same name SIZE as .*env\[0\]/],
      [
        `${CONTAINER}.ports[1].protocol`,
        "TCP",
        `${CONTAINER}.ports[1]`,
        /same containerPort 80, protocol TCP/,
      ],
      [
        `${CONTAINER}.imagePullPolicy`,
        "always",
        `${CONTAINER}.imagePullPolicy`,
        /one of Always, IfNotPresent, Never$/,
      ],
      [
        `${CONTAINER}.resources.limits.memory`,
        "1GB",
        `${CONTAINER}.resources.limits.memory`,
        /has to be a quantity/,
      ],
      [
        `${CONTAINER}.livenessProbe.httpGet.port`,
        1.5,
        `${CONTAINER}.livenessProbe.httpGet.port`,
        /an integer or a string/,
      ],
      [
        `${CONTAINER}.securityContext`,
        { runAsRoot: false },
        `${CONTAINER}.securityContext.runAsRoot`,
        /no such field/,
      ],
    ],
  },
  ConfigMap: {
    good: "{ apiVersion: v1, kind: ConfigMap, metadata: { name: a }, data: { port: '80' } }",
    mistakes: [["data.port", 80, "data.port", /is a number, has to be a string/]],
  },
  Secret: {
    good: "{ apiVersion: v1, kind: Secret, metadata: { name: a }, type: Opaque, data: { a: c2VjcmV0 } }",
    mistakes: [
      ["data.a", "secret words", "data.a", /^has to be base64; stringData takes plain text$/],
      ["string-data", { a: "b" }, "string-data", /did you mean stringData\?/],
    ],
  },
  Service: {
    good: "{ apiVersion: v1, kind: Service, metadata: { name: a }, spec: { selector: { a: b }, ports: [{ port: 80, targetPort: http }] } }",
    mistakes: [
      ["spec.ports[0].port", "80", "spec.ports[0].port", /has to be an integer/],
      ["spec.sessionAffinity", "ClientIp", "spec.sessionAffinity", /one of ClientIP, None/],
    ],
  },
  StatefulSet: {
    good: "{ apiVersion: apps/v1, kind: StatefulSet, metadata: { name: a }, spec: { serviceName: a, selector: { matchLabels: { a: b } }, template: { metadata: { labels: { a: b } }, spec: { containers: [{ name: a, image: a }] } } } }",
    mistakes: [
      [
        "spec.template.spec.containers",
        [{ image: "a" }],
        "spec.template.spec.containers[0].name",
        /is missing/,
      ],
    ],
  },
  PersistentVolumeClaim: {
    good: "{ apiVersion: v1, kind: PersistentVolumeClaim, metadata: { name: a }, spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 10Gi } } } }",
    mistakes: [["spec.resources.requests.storage", "ten", "spec.resources.requests.storage", /quantity/]],
  },
  CronJob: {
    good: "{ apiVersion: batch/v1, kind: CronJob, metadata: { name: a }, spec: { schedule: '0 2 * * *', jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: a, image: a }] } } } } } }",
    mistakes: [
      ["spec.schedule", undefined, "spec.schedule", /is missing/],
      ["spec.concurrencyPolicy", "Never", "spec.concurrencyPolicy", /one of Allow, Forbid, Replace/],
    ],
  },
  HorizontalPodAutoscaler: {
    good: "{ apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: { name: a }, spec: { maxReplicas: 5, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: a }, metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } } }] } }",
    mistakes: [
      ["spec.maxReplicas", undefined, "spec.maxReplicas", /is missing/],
      [
        "spec.metrics[0].resource.target.averageUtilization",
        "70",
        "spec.metrics[0].resource.target.averageUtilization",
        /integer/,
      ],
      [
        "apiVersion",
        "autoscaling/v2beta2",
        "apiVersion",
        /write apiVersion: autoscaling\/v1 or autoscaling\/v2/,
      ],
    ],
  },
  PodDisruptionBudget: {
    good: "{ apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: { name: a }, spec: { maxUnavailable: 1, selector: { matchLabels: { a: b } } } }",
    mistakes: [["spec.maxUnavailable", true, "spec.maxUnavailable", /integer or a string/]],
  },
  NetworkPolicy: {
    good: "{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: { name: a }, spec: { podSelector: {}, ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ port: http }] }] } }",
    mistakes: [
      ["spec.ingress[0].ports[0].protocol", "tcp", "spec.ingress[0].ports[0].protocol", /SCTP, TCP, UDP$/],
      ["spec.ingress[0].to", [], "spec.ingress[0].to", /no such field/],
    ],
  },
  Ingress: {
    good: "{ apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: { name: a }, spec: { rules: [{ host: a.example, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: a, port: { number: 80 } } } }] } }] } }",
    mistakes: [
      [
        "spec.rules[0].http.paths[0].pathType",
        undefined,
        "spec.rules[0].http.paths[0].pathType",
        /is missing/,
      ],
    ],
  },
  Role: {
    good: "{ apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: { name: a }, rules: [{ apiGroups: [''], resources: [pods], verbs: [get] }] }",
    mistakes: [["rules[0].verbs", undefined, "rules[0].verbs", /is missing/]],
  },
  ResourceQuota: {
    good: "{ apiVersion: v1, kind: ResourceQuota, metadata: { name: a }, spec: { hard: { requests.cpu: '4', pods: 10 } } }",
    mistakes: [["spec.hard.pods", "many", "spec.hard.pods", /quantity/]],
  },
  APIService: {
    good: "{ apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: { name: a }, spec: { group: a, version: v1, groupPriorityMinimum: 100, versionPriority: 100 } }",
    mistakes: [["spec.versionPriority", "100", "spec.versionPriority", /integer/]],
  },
  CustomResourceDefinition: {
    good: "{ apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: { name: a }, spec: { group: a, scope: Namespaced, names: { kind: A, plural: as }, versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, additionalProperties: true } } } } }] } }",
    mistakes: [
      [
        "spec.versions[0].schema.openAPIV3Schema.properties.spec.typo",
        1,
        "spec.versions[0].schema.openAPIV3Schema.properties.spec.typo",
        /no such field/,
      ],
    ],
  },
  "Flux's Kustomization": {
    good: "{ apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: { name: a }, spec: { interval: 1h, prune: true, sourceRef: { kind: GitRepository, name: a } } }",
    mistakes: [
      ["spec.prune", undefined, "spec.prune", /is missing/],
      ["spec.sourceRef.kind", "HelmRepository", "spec.sourceRef.kind", /one of .*GitRepository/],
      [
        "apiVersion",
        "kustomize.toolkit.fluxcd.io/v1beta2",
        "apiVersion",
        /write apiVersion: kustomize.toolkit.fluxcd.io\/v1$/,
      ],
    ],
  },
  HelmRelease: {
    good: "{ apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: { name: a }, spec: { interval: 1h, chart: { spec: { chart: a, version: '1.0.0', sourceRef: { kind: HelmRepository, name: a } } }, values: { any: { thing: [1, true] } } } }",
    mistakes: [
      ["spec.chart.spec.version", 1, "spec.chart.spec.version", /has to be a string/],
      ["spec.driftDetection", { mode: "on" }, "spec.driftDetection.mode", /one of enabled, warn, disabled/],
      ["spec.value", {}, "spec.value", /did you mean values/],
    ],
  },
  HelmRepository: {
    good: "{ apiVersion: source.toolkit.fluxcd.io/v1, kind: HelmRepository, metadata: { name: a }, spec: { interval: 1h, url: https://charts.example.org } }",
    mistakes: [["spec.url", "charts.example.org", "spec.url", /has to match/]],
  },
  Receiver: {
    good: "{ apiVersion: notification.toolkit.fluxcd.io/v1, kind: Receiver, metadata: { name: a }, spec: { type: github, secretRef: { name: a }, resources: [{ kind: GitRepository, name: a }] } }",
    mistakes: [["spec.type", "githob", "spec.type", /one of .*github/]],
  },
  ImagePolicy: {
    good: "{ apiVersion: image.toolkit.fluxcd.io/v1, kind: ImagePolicy, metadata: { name: a }, spec: { imageRepositoryRef: { name: a }, policy: { semver: { range: '>=1.0.0' } } } }",
    mistakes: [["spec.policy.semver.range", 1, "spec.policy.semver.range", /string/]],
  },
  ClusterIssuer: {
    good: "{ apiVersion: cert-manager.io/v1, kind: ClusterIssuer, metadata: { name: a }, spec: { acme: { server: https://acme.example.org, privateKeySecretRef: { name: a }, solvers: [{ http01: { ingress: { ingressClassName: traefik } } }] } } }",
    mistakes: [
      ["spec.acme.privateKeySecretRef", undefined, "spec.acme.privateKeySecretRef", /is missing/],
      ["spec.acme.solvers[0].http02", {}, "spec.acme.solvers[0].http02", /did you mean/],
    ],
  },
  "CloudNativePG's Cluster": {
    good: "{ apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: { name: a }, spec: { instances: 2, storage: { size: 10Gi } } }",
    mistakes: [
      ["spec.instances", "2", "spec.instances", /integer/],
      ["spec.resources", { requests: { cpu: 1.5 } }, "spec.resources.requests.cpu", /integer or a string/],
    ],
  },
  ServiceMonitor: {
    good: "{ apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: { name: a }, spec: { selector: { matchLabels: { a: b } }, endpoints: [{ port: http, interval: 30s }] } }",
    mistakes: [["spec.endpoints[0].interval", 30, "spec.endpoints[0].interval", /string/]],
  },
  PrometheusRule: {
    good: "{ apiVersion: monitoring.coreos.com/v1, kind: PrometheusRule, metadata: { name: a }, spec: { groups: [{ name: a, rules: [{ alert: A, expr: up == 0, for: 5m, labels: { severity: critical } }] }] } }",
    mistakes: [
      ["spec.groups[0].rules[0].for", "five minutes", "spec.groups[0].rules[0].for", /has to match/],
      ["spec.groups[0].rules[0].labels.severity", 1, "spec.groups[0].rules[0].labels.severity", /string/],
    ],
  },
  "Traefik's Middleware": {
    good: "{ apiVersion: traefik.io/v1alpha1, kind: Middleware, metadata: { name: a }, spec: { rateLimit: { average: 100 } } }",
    mistakes: [["spec.rateLimits", {}, "spec.rateLimits", /did you mean rateLimit\?/]],
  },
  "Velero's Schedule": {
    good: "{ apiVersion: velero.io/v1, kind: Schedule, metadata: { name: a }, spec: { schedule: '0 3 * * *', template: { ttl: 720h0m0s } } }",
    mistakes: [["spec.schedule", undefined, "spec.schedule", /is missing/]],
  },
};

/** The object with another value at a path such as `spec.ports[0].name`; undefined takes it away. */
function changed(source: Manifest, place: string, value: unknown): Manifest {
  const copy = structuredClone(source);
  const keys = place.split(/[.[\]]+/).filter((key) => key !== "");
  const last = keys.pop() as string;
  const parent = keys.reduce<any>((inner, key) => inner[key], copy);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

describeWithTools("schemas", { tools: ["kubeconform"], schemas: true }, () => {
  const goods = Object.entries(CASES).map(([name, { good }]) => ({ name, good: object(good) }));

  it.each(goods)("a good object passes: $name", async ({ good }) => {
    expect(await checkSchemas([good])).toEqual({ checked: 1, problems: [] });
  });

  const mistakes = Object.entries(CASES).flatMap(([name, { good, mistakes: list }]) =>
    list.map(([place, value, problem, message]) => ({
      name,
      place,
      value: JSON.stringify(value) ?? "nothing",
      bad: changed(object(good), place, value),
      problem,
      message,
    })),
  );

  it.each(mistakes)("$name with $value in $place", async ({ bad, problem, message }) => {
    const { checked, problems } = await checkSchemas([bad]);
    expect(checked).toBe(1);
    expect(problems.map(({ path }) => path)).toEqual([problem]);
    expect(problems[0]?.message).toMatch(message);
  });

  it("tells every mistake of many objects, each with its own object", async () => {
    const first = object(DEPLOYMENT);
    const objects = [
      first,
      changed(changed(first, "metadata.name", "worker"), "spec.replicas", "2"),
      changed(
        changed(changed(first, "metadata.namespace", "other"), "spec.strategi", {}),
        "spec.replicas",
        "x",
      ),
    ];
    const { checked, problems } = await checkSchemas(objects);
    expect(checked).toBe(3);
    expect(problems.map(({ object, path }) => `${object} ${path}`)).toEqual([
      "Deployment shop/worker spec.replicas",
      "Deployment other/web spec.replicas",
      "Deployment other/web spec.strategi",
    ]);
  });

  it("takes a property with null as one that is not there", async () => {
    const without = changed(object(DEPLOYMENT), "metadata.annotations", null);
    expect(await checkSchemas([without])).toEqual({ checked: 1, problems: [] });
    const needed = changed(object(DEPLOYMENT), "spec.selector", null);
    expect((await checkSchemas([needed])).problems).toHaveLength(1);
  });

  it("looks into lists, and counts what is in them", async () => {
    const bad = changed(object(DEPLOYMENT), "spec.replicas", "2");
    const list = { apiVersion: "v1", kind: "List", items: [object(DEPLOYMENT), bad] } as unknown as Manifest;
    const { checked, problems } = await checkSchemas([list]);
    expect(checked).toBe(2);
    expect(problems).toHaveLength(1);
  });

  it.each<[string, Partial<Manifest>, RegExp]>([
    [
      "a kind of nobody",
      { apiVersion: "example.org/v1", kind: "Gadget" },
      /no schema of Gadget in example\.org\/v1.*scripts\/tools\/versions\.json.*npm run tools/,
    ],
    ["a misspelt kind", { apiVersion: "apps/v1", kind: "Deploymnt" }, /that group has .*Deployment/],
    [
      "another group",
      { apiVersion: "extensions/v1beta1", kind: "Ingress" },
      /write apiVersion: networking\.k8s\.io\/v1/,
    ],
    ["no kind", { apiVersion: "v1" }, /is missing/],
    ["no apiVersion", { kind: "Pod" }, /is missing/],
  ])("is not silent about %s", async (_, type, message) => {
    const { checked, problems } = await checkSchemas([{ metadata: { name: "a" }, ...type } as Manifest]);
    expect(checked).toBe(1);
    expect(problems.map((problem) => problem.message)).toEqual([expect.stringMatching(message)]);
  });

  it("checks a secret that SOPS has encrypted, without its key", async () => {
    const encrypted = object(`
apiVersion: v1
kind: Secret
metadata: { name: a }
data: { a: "ENC[AES256_GCM,data:abc,iv:abc,tag:abc,type:str]" }
stringData: { b: "ENC[AES256_GCM,data:abc,iv:abc,tag:abc,type:str]" }
sops: { mac: "ENC[AES256_GCM,data:abc,type:str]", version: 3.13.3 }
`);
    expect(await checkSchemas([encrypted])).toEqual({ checked: 1, problems: [] });
    const { problems } = await checkSchemas([{ ...encrypted, typ: "Opaque" }]);
    expect(problems.map(({ path }) => path)).toEqual(["typ"]);
  });

  it("never shows the value of a secret", async () => {
    const secret = changed(object(CASES.Secret?.good ?? ""), "data.a", "hunter two");
    expect(JSON.stringify(await checkSchemas([secret]))).not.toContain("hunter");
  });

  it("has nothing to say about nothing", async () => {
    expect(await checkSchemas([])).toEqual({ checked: 0, problems: [] });
  });

  it("fails when kubeconform leaves an object out", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "fake-kubeconform-"));
    const cache = process.env.XDG_CACHE_HOME;
    const searched = process.env.PATH;
    const real = schemasDirectory();
    try {
      writeFileSync(path.join(folder, "kubeconform"), "#!/bin/sh\necho '{\"resources\": []}'\n", {
        mode: 0o755,
      });
      process.env.XDG_CACHE_HOME = folder;
      process.env.PATH = `${folder}:${searched}`;
      cpSync(real, schemasDirectory(), { recursive: true });
      await expect(checkSchemas([object(DEPLOYMENT)])).rejects.toThrow(
        "Deployment shop/web: kubeconform did not check it: no result",
      );
    } finally {
      process.env.PATH = searched;
      if (cache === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = cache;
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

test("without the schemas the message says how to get them", async () => {
  const cache = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = path.join(tmpdir(), `no-cache-${process.pid}`);
  try {
    const check = checkSchemas([object(DEPLOYMENT)]);
    await expect(check).rejects.toThrow(MissingSchemas);
    await expect(check).rejects.toThrow(/npm run tools/);
  } finally {
    if (cache === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = cache;
  }
});
