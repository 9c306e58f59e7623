import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import type { Environment } from "../config";
import { FLUX_NAMESPACE, infrastructureVariables, VALUES_CONFIG_MAP, valuesYaml } from "../flux";
import { substitute } from "./substitution";
import { runTool } from "./tools";
import { type FluxKustomization, type FluxTree, type Manifest, parseManifests } from "./tree";

/** What a Flux Kustomization applies in an environment. */
export interface RenderedKustomization extends FluxKustomization {
  readonly objects: readonly Manifest[];
  /** What the HelmReleases among them install, as far as their chart is in this repository. */
  readonly charts: readonly RenderedChart[];
}

export interface RenderedChart {
  readonly release: string;
  readonly objects: readonly Manifest[];
}

/**
 * Renders what Flux applies in an environment, without a cluster: kustomize builds each Kustomization's folder, variables
 * get the values that the configuration gives them, and charts of this repository become objects.
 * @throws MissingTool for kubectl, and for helm when a release has its chart in this repository
 * @throws Error that names the Kustomization's file when its folder does not build or a variable has no value
 */
export async function renderEnvironment(
  tree: FluxTree,
  environment: Environment,
): Promise<RenderedKustomization[]> {
  return Promise.all(
    tree
      .fluxKustomizations(environment.name)
      .map((kustomization) => renderOne(tree, environment, kustomization)),
  );
}

async function renderOne(
  tree: FluxTree,
  environment: Environment,
  kustomization: FluxKustomization,
): Promise<RenderedKustomization> {
  const { manifest, file } = kustomization;
  try {
    const built = await build(tree, kustomization);
    const inline: Readonly<Record<string, string>> = manifest.spec?.postBuild?.substitute ?? {};
    const variables = { ...infrastructureVariables(environment), ...inline };
    const text = manifest.spec?.postBuild ? substituteObjects(built, variables) : built;
    const objects = parseManifests(text, kustomization.name).map((object) =>
      withCommonMetadata(object, manifest),
    );
    const charts = await Promise.all(
      objects
        .filter((object) => object.kind === "HelmRelease" && hasOwnChart(object))
        .map((release) => renderChart(tree, environment, release)),
    );
    return { ...kustomization, objects, charts };
  } catch (error) {
    if (error instanceof Error && error.name === "MissingTool") throw error;
    throw new Error(`${file}: ${(error as Error).message}`);
  }
}

/**
 * What kustomize makes of a folder of the tree, with the components and patches that the Flux Kustomization adds.
 * @throws MissingTool for kubectl; Error with kustomize's message
 */
export async function build(tree: FluxTree, kustomization: FluxKustomization): Promise<string> {
  const { components, patches, images, namePrefix, nameSuffix, targetNamespace } =
    kustomization.manifest.spec ?? {};
  const folder = path.join(tree.directory, kustomization.path);
  const additions = { components, patches, images, namePrefix, nameSuffix, namespace: targetNamespace };
  if (Object.values(additions).every((addition) => addition === undefined)) {
    return runTool("kubectl", ["kustomize", folder]);
  }
  // kustomize-controller adds them to the folder's own kustomization; an overlay of it leaves the checkout alone.
  const overlay = await mkdtemp(path.join(await realpath(tmpdir()), "flux-overlay-"));
  const relative = (target: string): string => path.relative(overlay, target);
  try {
    const content = {
      apiVersion: "kustomize.config.k8s.io/v1beta1",
      kind: "Kustomization",
      ...additions,
      resources: [relative(await realpath(folder))],
      components: await Promise.all(
        ((components ?? []) as string[]).map(async (name) =>
          relative(await realpath(path.join(folder, name))),
        ),
      ),
    };
    await writeFile(path.join(overlay, "kustomization.yaml"), stringify(content));
    return await runTool("kubectl", ["kustomize", overlay]);
  } finally {
    await rm(overlay, { recursive: true, force: true });
  }
}

const SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute";

/** Substitutes object by object, since one may be left out by a label or an annotation. */
function substituteObjects(text: string, variables: Readonly<Record<string, string>>): string {
  return text
    .split(/^---\n/m)
    .map((object) => (leftOut(object) ? object : substitute(object, variables)))
    .join("---\n");
}

function leftOut(text: string): boolean {
  if (!text.includes(SUBSTITUTE)) return false;
  const [object] = parseManifests(text, "object");
  const { labels, annotations } = object?.metadata ?? {};
  return [labels, annotations].some((map) => map?.[SUBSTITUTE] === "disabled");
}

function withCommonMetadata(object: Manifest, { spec }: Manifest): Manifest {
  const { labels, annotations } = spec?.commonMetadata ?? {};
  if (!labels && !annotations) return object;
  const metadata = object.metadata ?? { name: "" };
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(labels ? { labels: { ...metadata.labels, ...labels } } : {}),
      ...(annotations ? { annotations: { ...metadata.annotations, ...annotations } } : {}),
    },
  };
}

/** Whether a release's chart is a folder of this repository. */
export function hasOwnChart(release: Manifest): boolean {
  return release.spec?.chart?.spec?.sourceRef?.kind === "GitRepository";
}

/**
 * What helm makes of a release whose chart is in this repository, with the values that helm-controller would merge:
 * first those of `valuesFrom`, then the release's own.
 * @throws MissingTool for helm; Error with helm's message, such as a value that the chart's schema refuses
 */
async function renderChart(
  tree: FluxTree,
  environment: Environment,
  release: Manifest,
): Promise<RenderedChart> {
  const { releaseName, targetNamespace, chart, values = {}, valuesFrom = [] } = release.spec;
  const folder = await mkdtemp(path.join(tmpdir(), "flux-values-"));
  try {
    const sources = await Promise.all(
      (valuesFrom as Array<{ name: string }>).map(async ({ name }, index) => {
        if (name !== VALUES_CONFIG_MAP)
          throw new Error(`valuesFrom names ${name}, expected ${VALUES_CONFIG_MAP}`);
        const file = path.join(folder, `source-${index}.yaml`);
        await writeFile(file, valuesYaml(environment));
        return file;
      }),
    );
    const own = path.join(folder, "values.yaml");
    await writeFile(own, stringify(values));
    const files = [...sources, own].flatMap((file) => ["--values", file]);
    const name = releaseName ?? release.metadata?.name ?? "release";
    const text = await runTool("helm", [
      "template",
      name,
      path.join(tree.directory, chart.spec.chart),
      "--namespace",
      targetNamespace ?? FLUX_NAMESPACE,
      "--skip-tests",
      ...files,
    ]);
    return { release: release.metadata?.name ?? name, objects: parseManifests(text, `chart of ${name}`) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
