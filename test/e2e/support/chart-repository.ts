import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import path from "node:path";
import { stringify } from "yaml";
import { parseManifests } from "../../../src/flux-tree";
import { CHART_WORKLOADS, type ChartWorkload } from "../../../src/flux-tree/chart-workloads";

/** A third-party chart that can't be downloaded here, as a HelmRelease of the tree names it. */
export interface StubChart {
  readonly name: string;
  readonly version: string;
  /** Files with the chart's real CustomResourceDefinitions. */
  readonly definitions: readonly string[];
}

export interface ChartRepository {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves charts on loopback that stand in for those of others: same names and versions, the real definitions, and workloads
 * that take replicas and resources from the same paths of the values. What else the real charts make is left out.
 * @param helm program that packages charts
 * @throws Error with helm's message
 */
export async function startChartRepository(
  helm: string,
  directory: string,
  charts: readonly StubChart[],
): Promise<ChartRepository> {
  const served = path.join(directory, "served");
  mkdirSync(served, { recursive: true });
  for (const chart of charts) {
    const folder = writeChart(path.join(directory, "sources"), chart);
    execFileSync(helm, ["package", folder, "--destination", served], { stdio: "pipe" });
  }
  const server = createServer((request, response) => {
    const file = path.join(served, path.basename(request.url ?? ""));
    if (!existsSync(file)) response.writeHead(404).end();
    else createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  execFileSync(helm, ["repo", "index", served, "--url", url], { stdio: "pipe" });
  return { url, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

function writeChart(parent: string, { name, version, definitions }: StubChart): string {
  const workloads = CHART_WORKLOADS[name];
  if (!workloads)
    throw new Error(`src/flux-tree/chart-workloads.ts does not say what the chart ${name} runs`);
  const folder = path.join(parent, name);
  mkdirSync(path.join(folder, "templates"), { recursive: true });
  mkdirSync(path.join(folder, "crds"), { recursive: true });
  writeFileSync(path.join(folder, "Chart.yaml"), stringify({ apiVersion: "v2", name, version }));
  writeFileSync(path.join(folder, "values.yaml"), "");
  for (const [index, file] of definitions.entries()) {
    writeFileSync(
      path.join(folder, "crds", `${index}.yaml`),
      withoutDescriptions(readFileSync(file, "utf8")),
    );
  }
  const templates = workloads.filter(({ hook }) => !hook).map(templateOf);
  writeFileSync(path.join(folder, "templates", "workloads.yaml"), templates.join("---\n"));
  const services = SERVICES[name];
  if (services) writeFileSync(path.join(folder, "templates", "services.yaml"), stringify(services));
  return folder;
}

/** Helm keeps a chart in a Secret of at most 1 MiB, and more than half of a definition are descriptions. */
function withoutDescriptions(text: string): string {
  return parseManifests(text, "definitions")
    .map((definition) =>
      JSON.stringify(definition, (key, value) =>
        key === "description" && typeof value === "string" ? undefined : value,
      ),
    )
    .join("\n---\n");
}

/** Services that reach out of the cluster: each is a load balancer in the account. */
const SERVICES: Readonly<Record<string, object>> = {
  traefik: {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "traefik" },
    spec: {
      type: "LoadBalancer",
      selector: { app: "traefik" },
      ports: [{ name: "websecure", port: 443, targetPort: 8443 }],
    },
  },
};

/** Variables that post-renderers of the tree look for, with the real chart's order. */
const ENVIRONMENT: Readonly<Record<string, object[]>> = {
  "mattermost-team-edition": [{ name: "MM_CONFIG", value: "" }],
};

function templateOf({ name, kind, replicas, containers }: ChartWorkload): string {
  const version = kind === "Job" ? "batch/v1" : "apps/v1";
  const count =
    replicas && kind !== "DaemonSet" && kind !== "Job"
      ? `  replicas: ${replicas.path ? `{{ ${lookup(replicas.path)} | default ${replicas.default} }}` : replicas.default}\n`
      : "";
  const container = (parts: typeof containers): string =>
    parts
      .map(
        (part) =>
          `        - name: ${part.name}\n          image: stub.invalid/${part.name}:1.0.0\n          resources: {{ ${lookup(part.resources)} | default dict | toJson }}\n          env: ${JSON.stringify(ENVIRONMENT[part.name] ?? [])}\n`,
      )
      .join("");
  const init = containers.filter((part) => part.init);
  return `apiVersion: ${version}
kind: ${kind}
metadata:
  name: ${name}
spec:
${count}  selector:
    matchLabels:
      app: ${name}
${kind === "StatefulSet" ? `  serviceName: ${name}\n` : ""}  template:
    metadata:
      labels:
        app: ${name}
    spec:
${init.length > 0 ? `      initContainers:\n${container(init)}` : ""}      containers:
${container(containers.filter((part) => !part.init))}`;
}

/** A path of the values that may be missing at any step; a number is an index of a list. */
function lookup(valuesPath: string): string {
  return valuesPath
    .split(".")
    .reduce(
      (value, part) =>
        /^\d+$/.test(part)
          ? `(index (${value} | default list) ${part})`
          : `(get (${value} | default dict) "${part}")`,
      ".Values",
    );
}
