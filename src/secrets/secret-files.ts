import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isScalar, isSeq, parse, parseAllDocuments, parseDocument } from "yaml";
import { writeWhole } from "../files";
import { bringBack, shownPath } from "../place";
import type { ApplicationSecret } from "./application-secret";
import { lineOf, yamlProblem } from "./yaml-problem";

/** A Kubernetes Secret in a file, as far as it can be read without a key. */
export interface SecretFile {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  /** SOPS encrypts values and leaves keys; an empty value stays an empty text. */
  readonly stringData?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly sops?: { readonly age?: ReadonlyArray<{ readonly recipient?: string }> };
}

/** What SOPS's secrets folders list their files in. */
const KUSTOMIZATION = "kustomization.yaml";

/** The folder of an environment's secrets, from the project's directory. */
export function secretsFolder(folder: string, environment: string): string {
  return `${folder}/${environment}/secrets`;
}

/** The file of a declared secret, from the project's directory. */
export function secretFile({ folder, name }: ApplicationSecret, environment: string): string {
  return `${secretsFolder(folder, environment)}/${name}.yaml`;
}

/** The declared secrets of what Flux applies in an environment: those of an application that was taken out are not needed. */
export function neededSecrets(
  directory: string,
  environment: string,
  declared: readonly ApplicationSecret[],
): ApplicationSecret[] {
  const applied = appliedPaths(directory, environment);
  return declared.filter(({ folder }) => applied.has(`${folder}/${environment}`));
}

/** The paths of the Flux Kustomizations in flux/clusters/<environment>. */
function appliedPaths(directory: string, environment: string): Set<string> {
  const folder = join(directory, "flux", "clusters", environment);
  if (!existsSync(folder)) return new Set();
  const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
  const manifests = files.flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), "utf8")).map(
      (document) => document.toJS() as { kind?: string; spec?: { path?: string } } | null,
    ),
  );
  return new Set(
    manifests.flatMap((manifest) =>
      manifest?.kind === "Kustomization" ? [String(manifest.spec?.path).replace(/^\.\/|\/$/g, "")] : [],
    ),
  );
}

/** Reads a secret's file; undefined when there is none. @throws Error that names a file that isn't YAML, and nothing of what is in it */
export function readSecretFile(directory: string, file: string): SecretFile | undefined {
  if (!existsSync(join(directory, file))) return undefined;
  const text = readFileSync(join(directory, file), "utf8");
  const document = parseDocument(text, { prettyErrors: false });
  const problem = yamlProblem(document);
  if (problem)
    throw new Error(
      `${shownPath(directory, file)} is damaged (line ${lineOf(text, problem.offset)}: ${problem.reason}): ${bringBack(directory, file)}`,
    );
  return (document.toJS() ?? {}) as SecretFile;
}

/** The values that a file has, by key; encrypted, but for empty ones. */
export function valuesIn({ stringData, data }: SecretFile): Readonly<Record<string, unknown>> {
  return { ...data, ...stringData };
}

/** For whom a file is encrypted. */
export function recipientsOf({ sops }: SecretFile): string[] {
  return (sops?.age ?? []).flatMap(({ recipient }) => recipient ?? []);
}

/** Every YAML file in an environment's secrets folders, declared or not. */
export function allSecretFiles(directory: string, environment: string): string[] {
  return secretsFolders(directory, environment)
    .flatMap((folder) => readNames(join(directory, folder)).map((name) => `${folder}/${name}`))
    .filter((file) => file.endsWith(".yaml") && !file.endsWith(`/${KUSTOMIZATION}`))
    .sort();
}

/** The secrets folders of an environment, wherever in flux/ they are. */
export function secretsFolders(directory: string, environment: string): string[] {
  const flux = join(directory, "flux");
  if (!existsSync(flux)) return [];
  const found = (readdirSync(flux, { recursive: true }) as string[]).map((path) =>
    path.replaceAll("\\", "/"),
  );
  return found
    .filter((path) => path.endsWith(`/${environment}/secrets`) && !path.startsWith("."))
    .map((path) => `flux/${path}`);
}

/** Whether kustomize is told to read a file. */
export function isListed(directory: string, file: string): boolean {
  const [folder, name] = split(file);
  const path = join(directory, folder, KUSTOMIZATION);
  if (!existsSync(path)) return false;
  const { resources } = (parse(readFileSync(path, "utf8")) ?? {}) as { resources?: readonly string[] };
  return resources?.includes(name) ?? false;
}

/**
 * Adds a file to the resources of the kustomization beside it; comments and everything else stay.
 * @throws Error when there is no kustomization
 */
export function listInKustomization(directory: string, file: string): void {
  if (isListed(directory, file)) return;
  const [folder, name] = split(file);
  const path = join(directory, folder, KUSTOMIZATION);
  const document = parseDocument(readFileSync(path, "utf8"));
  const resources = document.get("resources");
  if (isSeq(resources)) {
    resources.flow = false;
    resources.add(document.createNode(name));
  } else document.set("resources", [name]);
  writeWhole(path, document.toString({ lineWidth: 0 }));
}

/** Takes files that aren't there out of the kustomizations of an environment's secrets folders. */
export function unlistAbsent(directory: string, environment: string): void {
  for (const folder of secretsFolders(directory, environment)) {
    const path = join(directory, folder, KUSTOMIZATION);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    // Most list nothing, and every start of a sandbox comes by here.
    if (!text.includes(".yaml\n")) continue;
    const document = parseDocument(text);
    const resources = document.get("resources");
    if (!isSeq(resources)) continue;
    const present = resources.items.filter((item) =>
      existsSync(join(directory, folder, String(isScalar(item) ? item.value : item))),
    );
    if (present.length === resources.items.length) continue;
    resources.items = present;
    resources.flow = present.length === 0;
    writeWhole(path, document.toString({ lineWidth: 0 }));
  }
}

/** @throws Error that says how to make the folder when an application with secrets has none */
export function requireSecretsFolder(directory: string, file: string): void {
  const [folder] = split(file);
  if (existsSync(join(directory, folder, KUSTOMIZATION))) return;
  throw new Error(
    `${shownPath(directory, folder)}/${KUSTOMIZATION} is missing, and ${shownPath(directory, file)} has to be listed there: copy the folder's kustomization from another environment, with \`resources: []\`, and add "secrets" to the resources beside it`,
  );
}

function split(file: string): [folder: string, name: string] {
  const at = file.lastIndexOf("/");
  return [file.slice(0, at), file.slice(at + 1)];
}

function readNames(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}
