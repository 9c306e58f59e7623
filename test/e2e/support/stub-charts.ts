import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { downloadModule } from "../../../scripts/tools/go";
import versions from "../../../scripts/tools/versions.json";
import { FluxTree, type Manifest } from "../../../src/flux-tree";
import type { StubChart } from "./chart-repository";

/** The Go module that has the CustomResourceDefinitions that a chart installs. */
const DEFINED_BY: Readonly<Record<string, string>> = {
  "cert-manager": "github.com/cert-manager/cert-manager",
  "cloudnative-pg": "github.com/cloudnative-pg/cloudnative-pg",
  "kube-prometheus-stack": "github.com/prometheus-operator/prometheus-operator",
  traefik: "github.com/traefik/traefik/v3",
  velero: "github.com/vmware-tanzu/velero",
};

/** The third-party charts that the tree of a project names, with the real definitions. */
export async function stubCharts(directory: string): Promise<StubChart[]> {
  const tree = new FluxTree(directory);
  const releases = tree
    .files()
    .flatMap((file) => tree.manifests(file))
    .filter(
      ({ kind, spec }) => kind === "HelmRelease" && spec.chart?.spec.sourceRef?.kind === "HelmRepository",
    );
  const charts = new Map(
    releases.map(({ spec }: Manifest) => [
      spec.chart.spec.chart as string,
      spec.chart.spec.version as string,
    ]),
  );
  return Promise.all(
    [...charts].map(async ([name, version]) => ({ name, version, definitions: await definitionsOf(name) })),
  );
}

async function definitionsOf(chart: string): Promise<string[]> {
  const module = DEFINED_BY[chart];
  return module === undefined ? [] : definitionFiles(module);
}

/** The files with the definitions of a module of scripts/tools/versions.json. */
export async function definitionFiles(module: string): Promise<string[]> {
  const entry = versions.schemas.customResources.find((candidate) => candidate.module === module);
  if (!entry) throw new Error(`scripts/tools/versions.json has no ${module}`);
  const folder = path.join(await downloadModule(entry), entry.folder);
  return readdirSync(folder)
    .filter(
      (name) =>
        /\.ya?ml$/.test(name) && name !== "kustomization.yaml" && isDefinition(path.join(folder, name)),
    )
    .map((name) => path.join(folder, name));
}

/** The files with the definitions of the Flux controllers. */
export async function fluxDefinitions(): Promise<string[]> {
  const names = ["source", "kustomize", "helm", "notification"];
  const files = await Promise.all(
    names.map((name) => definitionFiles(`github.com/fluxcd/${name}-controller`)),
  );
  return files.flat();
}

const isDefinition = (file: string): boolean =>
  readFileSync(file, "utf8").includes("kind: CustomResourceDefinition");
