import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { parseAllDocuments } from "yaml";

export const REPOSITORY = path.resolve(__dirname, "../..");
export const FLUX = path.join(REPOSITORY, "flux");

/** A Kubernetes object (or a kustomization) as far as these tests look into it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, unknown>>;
    readonly annotations?: Readonly<Record<string, unknown>>;
  };
  readonly [key: string]: any;
}

/** Every YAML file below a folder (flux/ when none is given), as a path relative to the repository, in a stable order. */
export function yamlFiles(folder: string = FLUX): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name !== ".backups")
    .flatMap((entry) => {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) return yamlFiles(file);
      return /\.ya?ml$/.test(entry.name) ? [path.relative(REPOSITORY, file)] : [];
    })
    .sort();
}

export function textOf(file: string): string {
  return readFileSync(path.join(REPOSITORY, file), "utf8");
}

/**
 * The objects of a YAML text; documents with nothing but comments are left out.
 * @throws Error with the place of the first syntax error or duplicate key.
 */
export function parseManifests(text: string, name: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem) throw new Error(`${name}: ${problem.message}`);
    const value = document.toJS() as Manifest | null;
    return value === null ? [] : [value];
  });
}

export function manifestsOf(file: string): Manifest[] {
  return parseManifests(textOf(file), file);
}

export const isKustomizeFile = (file: string): boolean => path.basename(file) === "kustomization.yaml";

/** Written by flux bootstrap into flux-system; only comments before that. */
export const isWrittenByBootstrap = (file: string): boolean =>
  /^flux\/clusters\/[^/]+\/flux-system\/gotk-(components|sync)\.yaml$/.test(file);

/** What a kustomization file names: files and folders, resolved relative to the repository. */
export function referencesOf(kustomization: string): string[] {
  const [content] = manifestsOf(kustomization);
  if (!content) throw new Error(`${kustomization} is empty`);
  const patches = (content.patches ?? []) as ReadonlyArray<{ path?: string }>;
  const names: string[] = [
    ...(content.resources ?? []),
    ...(content.components ?? []),
    ...patches.flatMap((patch) => patch.path ?? []),
  ];
  return names.map((name) => path.join(path.dirname(kustomization), name));
}

/** Every file that building a folder reads, its own kustomization first. */
export function filesReadBy(folder: string): string[] {
  const kustomization = path.join(folder, "kustomization.yaml");
  if (!exists(kustomization)) throw new Error(`${kustomization} is missing`);
  const read = referencesOf(kustomization).flatMap((reference) => {
    if (!exists(reference)) throw new Error(`${kustomization} names ${reference}, which does not exist`);
    return isFolder(reference) ? filesReadBy(reference) : [reference];
  });
  return [kustomization, ...read];
}

export function exists(file: string): boolean {
  return existsSync(path.join(REPOSITORY, file));
}

export function isFolder(file: string): boolean {
  return statSync(path.join(REPOSITORY, file)).isDirectory();
}

/** A Flux Kustomization with the file it stands in. */
export interface FluxKustomization {
  readonly file: string;
  readonly name: string;
  readonly manifest: Manifest;
  /** Folder that it applies, relative to the repository. */
  readonly path: string;
}

/** The Flux Kustomizations of an environment, without those that flux bootstrap writes. */
export function fluxKustomizations(environment: string): FluxKustomization[] {
  return yamlFiles(path.join(FLUX, "clusters", environment))
    .filter((file) => !isKustomizeFile(file) && !isWrittenByBootstrap(file))
    .flatMap((file) =>
      manifestsOf(file).map((manifest) => ({
        file,
        name: manifest.metadata?.name ?? "",
        manifest,
        path: path.normalize(manifest.spec?.path ?? ""),
      })),
    );
}
