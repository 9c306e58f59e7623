import path from "node:path";
import type { FluxTree, Manifest, RenderedKustomization } from "../flux-tree";

/** An object that Flux applies, with where it comes from. */
export interface PreviewedObject {
  /** The Flux Kustomization that applies it. */
  readonly system: string;
  /** The file that declares it, or the chart that makes it. */
  readonly source: string;
  readonly object: Manifest;
}

/** What was rendered as one list: each Flux Kustomization's objects, then those of its charts. */
export function previewedObjects(
  tree: FluxTree,
  systems: readonly RenderedKustomization[],
): PreviewedObject[] {
  return systems.flatMap((system) => {
    const declared = declarations(tree, system);
    return [
      ...system.objects.map((object) => ({
        system: system.name,
        source: declared(object) ?? `${system.path}/kustomization.yaml`,
        object,
      })),
      ...system.charts.flatMap((chart) =>
        chart.objects.map((object) => ({
          system: system.name,
          source: `chart ${chart.folder} of HelmRelease ${chart.release}`,
          object,
        })),
      ),
    ];
  });
}

/**
 * Finds the file that declares an object. Kustomize does not tell, so it is the first file that has the object's kind and
 * name, or a part of that name where an overlay puts something in front of it or behind; patches come after resources.
 */
function declarations(
  tree: FluxTree,
  { path: folder, manifest }: RenderedKustomization,
): (object: Manifest) => string | undefined {
  const components = (manifest.spec?.components ?? []) as readonly string[];
  const folders = [folder, ...components.map((component) => path.join(folder, component))];
  const declared = [...new Set(folders.flatMap((one) => tree.filesReadBy(one)))]
    .filter((file) => /\.ya?ml$/.test(file))
    .flatMap((file) =>
      tree.manifests(file).map(({ kind, metadata }) => ({ file, kind, name: metadata?.name })),
    );
  return ({ kind, metadata }) => {
    const ofKind = declared.filter((candidate) => candidate.kind === kind && candidate.name);
    const found =
      ofKind.find(({ name }) => name === metadata?.name) ??
      ofKind.find(({ name }) => metadata?.name.includes(name ?? ""));
    return found?.file;
  };
}
