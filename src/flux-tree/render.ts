import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import type { Environment } from "../config";
import { FLUX_NAMESPACE, infrastructureVariables, VALUES_CONFIG_MAP, valuesYaml } from "../flux";
import { markDifferences, resizedEnvironment } from "./resized-environment";
import { substitute, substituteAnyway } from "./substitution";
import { MissingTool, runTool } from "./tools";
import { type FluxKustomization, type FluxTree, type Manifest, parseManifests } from "./tree";

/** What a Flux Kustomization applies in an environment. */
export interface RenderedKustomization extends FluxKustomization {
  readonly objects: readonly Manifest[];
  /** The same objects in the same order as kustomize prints them: what is a variable there, and what is stated. */
  readonly unsubstituted: readonly Manifest[];
  /** What the HelmReleases among them install, as far as their chart is in this repository. */
  readonly charts: readonly RenderedChart[];
}

export interface RenderedChart {
  /** The release's name in the tree. */
  readonly release: string;
  /** The chart's folder, relative to the project's directory. */
  readonly folder: string;
  readonly objects: readonly Manifest[];
  /** The same objects in the same order, with `${dynamic}` in place of every value that follows the resource profiles. */
  readonly unsubstituted: readonly Manifest[];
}

export interface RenderOptions {
  /** Whether charts of this repository become objects, which takes helm. Default: true. */
  readonly charts?: boolean;
  /** What kustomize prints for a Flux Kustomization, where that is known already. */
  readonly build?: (kustomization: FluxKustomization) => Promise<string>;
  /** Whether to go on where a variable has no value, so that the rest can be looked at. Default: false. */
  readonly anyway?: boolean;
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
      .map((kustomization) => renderKustomization(tree, environment, kustomization)),
  );
}

/** As renderEnvironment, for a single Flux Kustomization. */
export async function renderKustomization(
  tree: FluxTree,
  environment: Environment,
  kustomization: FluxKustomization,
  options: RenderOptions = {},
): Promise<RenderedKustomization> {
  const { manifest, file, name } = kustomization;
  try {
    const built = await (options.build?.(kustomization) ?? build(tree, kustomization));
    const objectsFor = (target: Environment): Manifest[] => {
      const text = manifest.spec?.postBuild
        ? substituteObjects(built, variablesFor(target, manifest), options.anyway ?? false)
        : built;
      return parseManifests(text, name).map((object) => withCommonMetadata(object, manifest));
    };
    const objects = objectsFor(environment);
    const charts =
      options.charts === false ? [] : await renderCharts(tree, { environment, objects, objectsFor });
    return { ...kustomization, objects, unsubstituted: parseManifests(built, name), charts };
  } catch (error) {
    if (error instanceof Error && error.name === "MissingTool") throw error;
    throw new Error(`${file}: ${(error as Error).message}`);
  }
}

/** What `postBuild` of a Flux Kustomization gives: the dynamic configuration, and above it values of its own. */
export function variablesFor(environment: Environment, manifest: Manifest): Record<string, string> {
  return { ...infrastructureVariables(environment), ...manifest.spec?.postBuild?.substitute };
}

interface ChartsContext {
  readonly environment: Environment;
  readonly objects: readonly Manifest[];
  readonly objectsFor: (environment: Environment) => Manifest[];
}

/** Renders each release twice, the second time with larger profiles: helm doesn't say where a value comes from. */
async function renderCharts(
  tree: FluxTree,
  { environment, objects, objectsFor }: ChartsContext,
): Promise<RenderedChart[]> {
  const own = (object: Manifest): boolean => object.kind === "HelmRelease" && hasOwnChart(object);
  if (!objects.some(own)) return [];
  const resized = resizedEnvironment(environment);
  const resizedReleases = objectsFor(resized).filter(own);
  return Promise.all(
    objects.filter(own).map(async (release, index) => {
      const rendered = await renderChart(tree, environment, release);
      const other = await renderChart(tree, resized, resizedReleases[index] ?? release);
      return {
        release: release.metadata?.name ?? "",
        folder: path.normalize(release.spec.chart.spec.chart),
        objects: rendered,
        unsubstituted: rendered.map((object, place) => markDifferences(object, other[place]) as Manifest),
      };
    }),
  );
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
    return kustomize(tree, folder);
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
    return await kustomize(tree, overlay);
  } finally {
    await rm(overlay, { recursive: true, force: true });
  }
}

/** What kustomize prints; its messages name files from the project's directory, without kubectl's own decoration. */
async function kustomize(tree: FluxTree, folder: string): Promise<string> {
  try {
    return await runTool("kubectl", ["kustomize", folder]);
  } catch (error) {
    if (error instanceof MissingTool) throw error;
    const message = (error as Error).message
      .replace(/^(?:error: |E\d{4} [^\]]*\] "command failed" err=)/, "")
      .replace(/^"(.*)"$/s, "$1")
      .replaceAll(`${tree.directory}/`, "")
      .replaceAll(`${await realpath(tree.directory)}/`, "")
      // What its parser quotes of a file may be a password.
      .replace(/(anchor )'[^']*'|`[^`]*`/g, "$1…");
    throw new Error(message);
  }
}

const SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute";

/** Substitutes object by object, since one may be left out by a label or an annotation. */
function substituteObjects(
  text: string,
  variables: Readonly<Record<string, string>>,
  anyway: boolean,
): string {
  const substituted = anyway ? substituteAnyway : substitute;
  return text
    .split(/^---\n/m)
    .map((object) => (leftOut(object) ? object : substituted(object, variables)))
    .join("---\n");
}

function leftOut(text: string): boolean {
  if (!text.includes(SUBSTITUTE)) return false;
  const [object] = parseManifests(text, "object");
  return object !== undefined && isLeftOut(object);
}

/** Whether an object asks Flux not to substitute variables in it. */
export function isLeftOut({ metadata }: Manifest): boolean {
  return [metadata?.labels, metadata?.annotations].some((map) => map?.[SUBSTITUTE] === "disabled");
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
async function renderChart(tree: FluxTree, environment: Environment, release: Manifest): Promise<Manifest[]> {
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
      path.join(tree.charts, chart.spec.chart),
      "--namespace",
      targetNamespace ?? FLUX_NAMESPACE,
      "--skip-tests",
      ...files,
    ]);
    const namespace = targetNamespace ?? FLUX_NAMESPACE;
    return parseManifests(text, `chart of ${name}`).map((object) => inNamespace(object, namespace));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Kinds of charts' objects that belong to no namespace. */
const CLUSTER_WIDE = new Set([
  "APIService",
  "ClusterIssuer",
  "ClusterRole",
  "ClusterRoleBinding",
  "CustomResourceDefinition",
  "IngressClass",
  "MutatingWebhookConfiguration",
  "Namespace",
  "PersistentVolume",
  "PriorityClass",
  "StorageClass",
  "ValidatingWebhookConfiguration",
]);

/** Helm installs what names no namespace into the release's. */
function inNamespace(object: Manifest, namespace: string): Manifest {
  if (CLUSTER_WIDE.has(object.kind) || object.metadata?.namespace !== undefined) return object;
  return { ...object, metadata: { name: "", ...object.metadata, namespace } };
}
