import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { type ChartCheck, checkCharts } from "../../scripts/tools/charts/check-charts";
import { ChartsUnreachable } from "../../scripts/tools/charts/helm";
import type { ChartWorkload } from "../../src/flux-tree/chart-workloads";
import { builtTool, runTool, toolPath, toolsDirectory } from "../../src/flux-tree/tools";
import { FluxTree } from "../../src/flux-tree/tree";
import { describeWithTools } from "../flux-tree/schema-tools";
import { exampleProject, REPOSITORY } from "../support/example";

const VERSION = "1.2.3";

/** A chart as its author may have written it; `broken` adds to its deployment what the API server would refuse. */
const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: { app: web }
spec:
  replicas: {{ .Values.replicas }}
  selector: { matchLabels: { app: web } }
  {{- with .Values.broken }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  template:
    metadata: { labels: { app: web } }
    spec:
      automountServiceAccountToken: false
      securityContext: { runAsNonRoot: true, seccompProfile: { type: RuntimeDefault } }
      containers:
        - name: web
          image: "docker.io/library/web:{{ .Values.tag }}"
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
          livenessProbe: { httpGet: { path: /, port: 80 } }
          readinessProbe: { httpGet: { path: /, port: 80 } }
          resources: {{- toYaml .Values.resources | nindent 12 }}
`;

const TABLE: readonly ChartWorkload[] = [
  {
    name: "web",
    kind: "Deployment",
    replicas: { path: "replicas", default: 1 },
    containers: [{ name: "web", resources: "resources" }],
  },
];

const NAMESPACE = `
apiVersion: v1
kind: Namespace
metadata: { name: web, labels: { pod-security.kubernetes.io/enforce: restricted } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web, namespace: web }
spec:
  podSelector: { matchLabels: { app: web } }
  policyTypes: [Ingress, Egress]
  ingress: [{ ports: [{ port: 80 }] }]
  egress: [{ ports: [{ port: 443 }, { port: 53, protocol: UDP }, { port: 53, protocol: TCP }] }]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: default-deny, namespace: web }
spec: { podSelector: {}, policyTypes: [Ingress, Egress] }
`;

const KUSTOMIZATION = {
  apiVersion: "kustomize.toolkit.fluxcd.io/v1",
  kind: "Kustomization",
  metadata: { name: "web", namespace: "flux-system" },
  spec: {
    interval: "1h",
    prune: true,
    path: "./flux/apps/web",
    sourceRef: { kind: "GitRepository", name: "flux-system" },
    postBuild: { substituteFrom: [{ kind: "ConfigMap", name: "infrastructure-vars" }] },
  },
};

describeWithTools("third-party charts", { tools: ["helm", "kubectl", "kubeconform"], schemas: true }, () => {
  let folder: string;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "charts-test-"));
    const served = path.join(folder, "served");
    const chart = path.join(folder, "web");
    mkdirSync(path.join(chart, "templates"), { recursive: true });
    mkdirSync(served);
    writeFileSync(path.join(chart, "Chart.yaml"), `apiVersion: v2\nname: web\nversion: ${VERSION}\n`);
    writeFileSync(path.join(chart, "values.yaml"), "replicas: 1\ntag: 1.0.0\n");
    writeFileSync(path.join(chart, "templates", "deployment.yaml"), DEPLOYMENT);
    await runTool("helm", ["package", chart, "--destination", served]);
    await runTool("helm", ["repo", "index", served]);
    server = createServer((request, response) => {
      try {
        response.end(readFileSync(path.join(served, path.basename(request.url ?? ""))));
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  interface Release {
    readonly values?: Readonly<Record<string, unknown>>;
    readonly spec?: Readonly<Record<string, unknown>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly repository?: string;
    readonly version?: string;
    readonly table?: readonly ChartWorkload[] | "none";
  }

  /** What the check says of a tree with one release of the chart. */
  async function check(release: Release = {}): Promise<ChartCheck[]> {
    const { values, spec, annotations, repository = url, version = VERSION, table = TABLE } = release;
    const directory = mkdtempSync(path.join(folder, "tree-"));
    const write = (file: string, content: unknown): void => {
      const target = path.join(directory, file);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, typeof content === "string" ? content : stringify(content));
    };
    write("flux/clusters/production/web.yaml", KUSTOMIZATION);
    write("flux/apps/web/kustomization.yaml", "resources: [namespace.yaml, repository.yaml, release.yaml]\n");
    write("flux/apps/web/namespace.yaml", NAMESPACE);
    write("flux/apps/web/repository.yaml", {
      apiVersion: "source.toolkit.fluxcd.io/v1",
      kind: "HelmRepository",
      metadata: { name: "web", namespace: "flux-system" },
      spec: { interval: "1h", url: repository },
    });
    write("flux/apps/web/release.yaml", {
      apiVersion: "helm.toolkit.fluxcd.io/v2",
      kind: "HelmRelease",
      metadata: { name: "web", namespace: "flux-system", annotations },
      spec: {
        interval: "1h",
        targetNamespace: "web",
        chart: { spec: { chart: "web", version, sourceRef: { kind: "HelmRepository", name: "web" } } },
        values: { resources: "${infraConfig_resourceProfiles_small}", ...values },
        ...spec,
      },
    });
    const project = exampleProject((document) => {
      document.environments = document.environments.filter(
        ({ name }: { name: string }) => name === "production",
      );
    });
    return checkCharts({
      tree: new FluxTree(directory),
      project,
      table: table === "none" ? {} : { web: table },
    });
  }

  const problems = async (release: Release): Promise<readonly string[]> =>
    (await check(release))[0]?.problems ?? ["none"];

  it("passes with values that fit", async () => {
    expect(await check()).toEqual([
      {
        environment: "production",
        release: "web",
        chart: "web",
        version: VERSION,
        objects: 1,
        workloads: 1,
        problems: [],
      },
    ]);
  });

  it("finds what the API server would refuse", async () => {
    expect(await problems({ values: { broken: { strategi: {} } } })).toEqual([
      "Deployment web/web: spec.strategi: there is no such field; did you mean strategy?",
    ]);
  });

  it("finds pods that break the rules, unless the release gives a reason", async () => {
    const stated = {
      resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "1", memory: "1Gi" } },
    };
    expect(await problems({ values: stated })).toEqual([
      expect.stringMatching(
        /^Deployment web\/web in the chart web 1\.2\.3 .*resources that don't follow the dynamic/,
      ),
    ]);
    const annotations = { "hybrid-gitops/reason.resources": "it needs no more" };
    expect(await problems({ values: stated, annotations })).toEqual([]);
    expect(await problems({ values: { tag: "latest" } })).toEqual([
      expect.stringContaining("web:latest, which is not an exact version"),
    ]);
    expect(await problems({ spec: { targetNamespace: "default" } })).toContainEqual(
      expect.stringContaining("no NetworkPolicy"),
    );
    expect(await problems({ values: { replicas: 2 } })).toEqual([
      expect.stringContaining("has 2 replicas and no PodDisruptionBudget"),
      expect.stringContaining("nothing spreads them over the nodes"),
    ]);
  });

  it("applies the release's post renderers", async () => {
    const patched = (patch: string) => ({
      postRenderers: [{ kustomize: { patches: [{ target: { kind: "Deployment" }, patch }] } }],
    });
    const replace = "- { op: replace, path: /spec/template/spec/containers/0/image, value: web }";
    expect(await problems({ spec: patched(replace) })).toEqual([
      expect.stringContaining("not an exact version"),
    ]);
    const stale = "- { op: test, path: /spec/replicas, value: 7 }";
    expect(await problems({ spec: patched(stale) })).toEqual([
      expect.stringMatching(/test.*failed|testing value/),
    ]);
  });

  it.each<[string, readonly ChartWorkload[], RegExp]>([
    [
      "a workload that is not there",
      [...TABLE, { name: "db", kind: "StatefulSet", containers: [] }],
      /has StatefulSet db, which the chart does not make/,
    ],
    ["a workload that is missing", [], /lacks Deployment web with web/],
    [
      "another container",
      [{ ...TABLE[0], containers: [{ name: "wep", resources: "resources" }] } as ChartWorkload],
      /lacks container web of Deployment web/,
    ],
    [
      "a path without resources",
      [{ ...TABLE[0], containers: [{ name: "web", resources: "web.resources" }] } as ChartWorkload],
      /says that web\.resources has the resources of container web of Deployment web: there is nothing, the chart makes \{ limits/,
    ],
    [
      "other replicas",
      [{ ...TABLE[0], replicas: { default: 3 } } as ChartWorkload],
      /gives Deployment web 3 replicas, and the chart 1/,
    ],
  ])("compares the table with the chart: %s", async (_, table, message) => {
    const found = await problems({ table });
    expect(found).toContainEqual(expect.stringMatching(message));
    expect(found.every((problem) => problem.startsWith("src/flux-tree/chart-workloads.ts, web: "))).toBe(
      true,
    );
  });

  it("tells of a chart that is not in the table, with what to write there", async () => {
    expect(await problems({ table: "none" })).toEqual([
      "src/flux-tree/chart-workloads.ts, web: is not there; the chart makes Deployment web",
    ]);
  });

  it("tells of a version that the repository does not have, as a problem of the release", async () => {
    expect(await problems({ version: "9.9.9" })).toEqual([`${url} has no chart web in version 9.9.9`]);
  });

  it("tells of values that the chart can't be rendered with", async () => {
    expect(await problems({ values: { broken: "text" } })).toEqual([expect.stringMatching(/\S/)]);
  });

  it("as a command ends with 2 then, and says why", () => {
    const cache = path.join(folder, "cache");
    const fake = builtTool("helm").replace(toolsDirectory(), path.join(cache, "hybrid-gitops", "tools"));
    mkdirSync(path.dirname(fake), { recursive: true });
    const unreachable = "Error: Get https://charts.example.org/index.yaml: dial tcp: no such host";
    const script = `if [ "$1" = pull ]; then echo '${unreachable}' >&2; exit 1; fi\nexec '${toolPath("helm")}' "$@"`;
    writeFileSync(fake, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const { status, stderr } = spawnSync(process.execPath, ["scripts/test-charts.mjs"], {
      cwd: REPOSITORY,
      encoding: "utf8",
      env: { ...process.env, XDG_CACHE_HOME: cache },
    });
    expect(stderr).toMatch(/^third-party charts can't be downloaded: https:.* no such host$/m);
    expect(status).toBe(2);
  });

  it("ends at once when a repository can't be reached, since that says nothing about the tree", async () => {
    const checking = check({ repository: "http://127.0.0.1:9" });
    await expect(checking).rejects.toThrow(ChartsUnreachable);
    await expect(checking).rejects.toThrow(
      /^third-party charts can't be downloaded: http:\/\/127\.0\.0\.1:9: /,
    );
  });
});
