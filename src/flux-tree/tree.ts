import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { parseAllDocuments } from "yaml";
import { lineOf, yamlProblem } from "../secrets/yaml-problem";

/** The folder of a project that Flux reads. */
export const FLUX_FOLDER = "flux";

/** Fields of an object: their kinds are known to its schema only, so they are looked up as they are needed. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Fields = any;

/** A Kubernetes object (or a kustomization) as far as anything here looks into it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, unknown>>;
    readonly annotations?: Readonly<Record<string, unknown>>;
  };
  readonly [key: string]: Fields;
}

/** A Flux Kustomization with the file it stands in. */
export interface FluxKustomization {
  /** Relative to the project's directory, as `path` is. */
  readonly file: string;
  readonly name: string;
  readonly manifest: Manifest;
  /** Folder that it applies. */
  readonly path: string;
}

/**
 * The YAML files below flux/ of a project's directory, read-only. Paths given and returned are relative to that
 * directory and begin with `flux/`.
 */
export class FluxTree {
  /**
   * @param charts the directory that charts of the repository are relative to; a sandbox has a copy of flux/ only
   */
  constructor(
    readonly directory: string,
    readonly charts: string = directory,
  ) {}

  /** Every YAML file below a folder, in a stable order; originals that the static configuration keeps are none. */
  files(folder: string = FLUX_FOLDER): string[] {
    if (folder === FLUX_FOLDER && !this.exists(folder))
      throw new Error(`${FLUX_FOLDER}/ is missing in ${this.directory}: restore it from Git`);
    return readdirSync(path.join(this.directory, folder), { withFileTypes: true })
      .filter((entry) => entry.name !== ".backups")
      .flatMap((entry) => {
        const file = `${folder}/${entry.name}`;
        if (entry.isDirectory()) return this.files(file);
        return /\.ya?ml$/.test(entry.name) ? [file] : [];
      })
      .sort();
  }

  text(file: string): string {
    return readFileSync(path.join(this.directory, file), "utf8");
  }

  /**
   * The objects of a file.
   * @throws Error with the place of the first syntax error or duplicate key
   */
  manifests(file: string): Manifest[] {
    return parseManifests(this.text(file), file);
  }

  exists(file: string): boolean {
    return existsSync(path.join(this.directory, file));
  }

  isFolder(file: string): boolean {
    return statSync(path.join(this.directory, file)).isDirectory();
  }

  /** What a kustomization file names: files and folders. */
  referencesOf(kustomization: string): string[] {
    const [content] = this.manifests(kustomization);
    if (!content) throw new Error(`${kustomization} is empty`);
    const patches = (content.patches ?? []) as ReadonlyArray<{ path?: string }>;
    const generators = (content.configMapGenerator ?? []) as ReadonlyArray<{ files?: readonly string[] }>;
    const names: string[] = [
      ...(content.resources ?? []),
      ...(content.components ?? []),
      ...(content.configurations ?? []),
      ...patches.flatMap((patch) => patch.path ?? []),
      ...generators.flatMap(({ files = [] }) => files.map((file) => file.split("=").at(-1) ?? file)),
    ];
    return names.map((name) => path.join(path.dirname(kustomization), name));
  }

  /** Every file that building a folder reads, its own kustomization first. */
  filesReadBy(folder: string, trail: readonly string[] = []): string[] {
    if (trail.includes(folder))
      throw new Error(`${[...trail, folder].join(" names ")}: a circle, which nothing can build`);
    const kustomization = path.join(folder, "kustomization.yaml");
    if (!this.exists(kustomization)) throw new Error(`${kustomization} is missing`);
    const read = this.referencesOf(kustomization).flatMap((reference) => {
      if (!this.exists(reference))
        throw new Error(`${kustomization} names ${reference}, which does not exist`);
      return this.isFolder(reference) ? this.filesReadBy(reference, [...trail, folder]) : [reference];
    });
    return [kustomization, ...read];
  }

  /** The Flux Kustomizations of an environment, without those that flux bootstrap writes. */
  fluxKustomizations(environment: string): FluxKustomization[] {
    const folder = `${FLUX_FOLDER}/clusters/${environment}`;
    if (!this.exists(folder))
      throw new Error(`${folder} is missing: nothing says what runs in ${environment}`);
    return this.files(folder).flatMap((file) => fluxKustomizationsIn(file, this.manifests(file)));
  }
}

/** The Flux Kustomizations among the objects of a file of flux/clusters. */
export function fluxKustomizationsIn(file: string, manifests: readonly Manifest[]): FluxKustomization[] {
  if (isKustomizeFile(file) || isWrittenByBootstrap(file)) return [];
  return manifests
    .filter(({ apiVersion, kind }) => kind === "Kustomization" && apiVersion?.startsWith(FLUX_GROUP))
    .map((manifest) => ({
      file,
      name: manifest.metadata?.name ?? "",
      manifest,
      path: path.normalize(manifest.spec?.path ?? ""),
    }));
}

const FLUX_GROUP = "kustomize.toolkit.fluxcd.io/";

/**
 * The objects of a YAML text; documents with nothing but comments are left out.
 * @throws Error with the place of the first syntax error or duplicate key.
 */
export function parseManifests(text: string, name: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const problem = yamlProblem(document);
    if (problem) throw new Error(`${name}: ${problem.reason} at line ${lineOf(text, problem.offset)}`);
    const value = document.toJS() as Manifest | null;
    return value === null ? [] : [value];
  });
}

export const isKustomizeFile = (file: string): boolean => path.basename(file) === "kustomization.yaml";

/** Written by flux bootstrap into flux-system; only comments before that. */
export const isWrittenByBootstrap = (file: string): boolean =>
  /^flux\/clusters\/[^/]+\/flux-system\/gotk-(components|sync)\.yaml$/.test(file);
