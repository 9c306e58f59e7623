import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { FLUX_NAMESPACE, VALUES_CONFIG_MAP, VALUES_KEY, VARIABLES_CONFIG_MAP } from "../../../src/flux";

/** How large a generated tree is. */
export interface TreeSize {
  readonly kustomizations: number;
  readonly helmReleases: number;
}

/** Where every generated workload is. */
export const GENERATED_NAMESPACE = "generated";

const RETRY = { strategy: { name: "RetryOnFailure", retryInterval: "2m" } };
const CHART = "helm/generated";
const SOURCE = { kind: "GitRepository", name: "flux-system" };

/**
 * Writes a tree of small applications that have the shape of those in flux/: a Flux Kustomization with substitution, or a
 * HelmRelease of a chart of ours with the document as values, and a Deployment each that takes the profile `small`.
 * @param directory a Git checkout whose tree is replaced
 */
export function writeGeneratedTree(directory: string, environment: string, size: TreeSize): void {
  for (const folder of ["flux", "helm"])
    rmSync(path.join(directory, folder), { recursive: true, force: true });
  const write = (file: string, content: object | string): void => {
    mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    writeFileSync(path.join(directory, file), typeof content === "string" ? content : stringify(content));
  };
  const cluster = `flux/clusters/${environment}`;
  write(`${cluster}/namespace.yaml`, namespace(GENERATED_NAMESPACE));
  for (const name of names("kustomize", size.kustomizations)) {
    write(`${cluster}/${name}.yaml`, kustomization(name));
    write(`flux/apps/${name}/deployment.yaml`, deployment(name, `\${infraConfig_resourceProfiles_small}`));
  }
  for (const name of names("helm", size.helmReleases)) write(`${cluster}/${name}.yaml`, helmRelease(name));
  write(`${CHART}/Chart.yaml`, { apiVersion: "v2", name: "generated", version: "1.0.0" });
  write(`${CHART}/values.yaml`, {});
  write(
    `${CHART}/templates/deployment.yaml`,
    deployment("{{ .Release.Name }}", "{{ .Values.resourceProfiles.small | toJson }}"),
  );
}

/** `helm-001`, `helm-002`, … */
const names = (kind: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${kind}-${String(index + 1).padStart(3, "0")}`);

const namespace = (name: string): object => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });

/** @param resources what stands for the sizes, without quotes as in flux/ */
function deployment(name: string, resources: string): string {
  const manifest = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: GENERATED_NAMESPACE },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "main", image: "stub.invalid/generated:1.0.0", resources: "SIZES" }] },
      },
    },
  };
  return stringify(manifest).replace("SIZES", () => resources);
}

const kustomization = (name: string): object => ({
  apiVersion: "kustomize.toolkit.fluxcd.io/v1",
  kind: "Kustomization",
  metadata: { name, namespace: FLUX_NAMESPACE },
  spec: {
    interval: "1h",
    retryInterval: "2m",
    timeout: "15m",
    prune: true,
    wait: true,
    sourceRef: SOURCE,
    path: `./flux/apps/${name}`,
    postBuild: { substituteFrom: [{ kind: "ConfigMap", name: VARIABLES_CONFIG_MAP }] },
  },
});

const helmRelease = (name: string): object => ({
  apiVersion: "helm.toolkit.fluxcd.io/v2",
  kind: "HelmRelease",
  metadata: { name, namespace: FLUX_NAMESPACE },
  spec: {
    interval: "1h",
    timeout: "15m",
    releaseName: name,
    targetNamespace: GENERATED_NAMESPACE,
    chart: { spec: { chart: `./${CHART}`, sourceRef: SOURCE } },
    install: RETRY,
    upgrade: RETRY,
    driftDetection: { mode: "enabled" },
    valuesFrom: [{ kind: "ConfigMap", name: VALUES_CONFIG_MAP, valuesKey: VALUES_KEY }],
  },
});
