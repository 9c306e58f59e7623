import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import path from "node:path";
import { stringify } from "yaml";
import type { Environment } from "../../../src/config";
import { FLUX_NAMESPACE, VALUES_CONFIG_MAP, valuesYaml } from "../../../src/flux";
import { runTool, VERSIONS } from "../../../src/flux-tree/tools";
import { type Manifest, parseManifests } from "../../../src/flux-tree/tree";
import type { Helm } from "./helm";

interface ReleaseContext {
  readonly helm: Helm;
  /** The chart's folder. */
  readonly chart: string;
  readonly environment: Environment;
  /** What custom resources the cluster has: charts ask for them. */
  readonly apiVersions: readonly string[];
  /** A folder for files on the way. */
  readonly folder: string;
}

/**
 * What helm-controller installs for a release: the chart with the values that it merges, then the release's post renderers.
 * @throws Error with the message of Helm, or of kustomize when a post renderer's patch does not fit the chart
 */
export async function renderRelease(release: Manifest, context: ReleaseContext): Promise<Manifest[]> {
  const { helm, chart, environment, apiVersions } = context;
  const { releaseName, targetNamespace, values = {}, valuesFrom = [], postRenderers = [] } = release.spec;
  const folder = await mkdtemp(path.join(context.folder, "release-"));
  const files: string[] = [];
  const addValues = async (text: string): Promise<void> => {
    const file = path.join(folder, `values-${files.length}.yaml`);
    await writeFile(file, text);
    files.push(file);
  };
  for (const { name, optional } of valuesFrom as ReadonlyArray<{ name: string; optional?: boolean }>) {
    if (name === VALUES_CONFIG_MAP) await addValues(valuesYaml(environment));
    else if (!optional)
      throw new Error(`valuesFrom names ${name}, whose values are known in the cluster only`);
  }
  await addValues(stringify(values));
  const namespace: string = targetNamespace ?? FLUX_NAMESPACE;
  const text = await helm.run([
    "template",
    releaseName ?? release.metadata?.name ?? "release",
    chart,
    "--namespace",
    namespace,
    "--kube-version",
    VERSIONS.schemas.kubernetes.version,
    "--skip-tests",
    ...apiVersions.flatMap((apiVersion) => ["--api-versions", apiVersion]),
    ...files.flatMap((file) => ["--values", file]),
  ]);
  const rendered = await postRender(text, postRenderers, folder);
  return parseManifests(rendered, `chart ${path.basename(chart)}`).map((object) =>
    inNamespace(object, namespace),
  );
}

interface PostRenderer {
  readonly kustomize?: { readonly patches?: readonly unknown[]; readonly images?: readonly unknown[] };
}

async function postRender(
  text: string,
  postRenderers: readonly PostRenderer[],
  folder: string,
): Promise<string> {
  let rendered = text;
  for (const [index, { kustomize }] of postRenderers.entries()) {
    if (!kustomize) continue;
    const step = path.join(folder, `post-renderer-${index}`);
    await mkdir(step);
    await writeFile(path.join(step, "rendered.yaml"), rendered);
    const { patches, images } = kustomize;
    await writeFile(
      path.join(step, "kustomization.yaml"),
      stringify({
        apiVersion: "kustomize.config.k8s.io/v1beta1",
        kind: "Kustomization",
        resources: ["rendered.yaml"],
        patches,
        images,
      }),
    );
    rendered = await runTool("kubectl", ["kustomize", step]);
  }
  return rendered;
}

/** Helm puts what names no namespace into the release's; to objects of the whole cluster that means nothing. */
function inNamespace(object: Manifest, namespace: string): Manifest {
  return { ...object, metadata: { name: "", namespace, ...object.metadata } };
}
