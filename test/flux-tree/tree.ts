import path from "node:path";
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

export {
  type FluxKustomization,
  isKustomizeFile,
  isWrittenByBootstrap,
  type Manifest,
  parseManifests,
} from "../../src/flux-tree";
