import { readdirSync } from "node:fs";
import path from "node:path";
import { APPLICATIONS } from "../../src/config/application-catalogue";
import { type FluxKustomization, FluxTree, type Manifest } from "../../src/flux-tree";

/** The repository's own tree, for tests. */
export const REPOSITORY = path.resolve(__dirname, "../..");
export const tree = new FluxTree(REPOSITORY);

export const yamlFiles = (folder?: string): string[] => tree.files(folder);
export const textOf = (file: string): string => tree.text(file);
export const manifestsOf = (file: string): Manifest[] => tree.manifests(file);
export const exists = (file: string): boolean => tree.exists(file);
export const isFolder = (file: string): boolean => tree.isFolder(file);
export const referencesOf = (file: string): string[] => tree.referencesOf(file);
export const filesReadBy = (folder: string): string[] => tree.filesReadBy(folder);
export const fluxKustomizations = (environment: string): FluxKustomization[] =>
  tree.fluxKustomizations(environment);

/** Every environment of this repository: the template's and those that its owner has added. */
export const CLUSTERS: readonly string[] = readdirSync(path.join(REPOSITORY, "flux/clusters")).filter(
  (name) => isFolder(`flux/clusters/${name}`),
);

const applications = readdirSync(path.join(REPOSITORY, "flux/apps")).filter((name) =>
  isFolder(`flux/apps/${name}`),
);
/** The template's applications that its owner has kept, and those that are removed. */
export const KEPT_APPLICATIONS: readonly string[] = applications.filter((name) => name in APPLICATIONS);
export const REMOVED_APPLICATIONS: readonly string[] = Object.keys(APPLICATIONS).filter(
  (name) => !applications.includes(name),
);
/** Those that the owner has added. */
export const OWN_APPLICATIONS: readonly string[] = applications.filter((name) => !(name in APPLICATIONS));

/** Whether a path is that of a removed application's file, which pages of the template may go on naming. */
export const isOfRemovedApplication = (file: string): boolean =>
  REMOVED_APPLICATIONS.some((name) =>
    new RegExp(`^flux/(?:apps/${name}(?:/|$)|clusters/[^/]+/${name}\\.yaml$)`).test(file),
  );

/** A file's text before the static configuration has replaced its placeholders. */
export function originalTextOf(file: string): string {
  const original = file.replace(/^flux\/(.*)$/, "flux/.backups/$1.orig");
  return textOf(exists(original) ? original : file);
}

export {
  type FluxKustomization,
  isKustomizeFile,
  isWrittenByBootstrap,
  type Manifest,
  parseManifests,
} from "../../src/flux-tree";
