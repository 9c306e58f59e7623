import { FLUX_NAMESPACE, VALUES_CONFIG_MAP, VARIABLES_CONFIG_MAP } from "../../flux";
import { spelling, VARIABLE_NAME } from "../substitution";
import { type Fields, FLUX_FOLDER, type FluxKustomization, type Manifest } from "../tree";
import type { TreeFile } from "../tree-file";
import type { RuleContext } from "./context";
import type { OutcomeBuilder } from "./rule";

const VARIABLE_FROM = "spec.postBuild.substituteFrom.name";

/** What `postBuild.substituteFrom` of a Flux Kustomization names. */
export const sourcesOf = ({ manifest }: FluxKustomization): Fields[] =>
  manifest.spec?.postBuild?.substituteFrom ?? [];

/**
 * Flux reads whole ConfigMaps and Secrets: one that is missing, or a single key that is no name of a variable, and it applies
 * nothing of the Kustomization.
 * @param uses whether the manifests have variables
 */
export function checkSources(
  outcome: OutcomeBuilder,
  context: RuleContext,
  { kustomization, uses }: { readonly kustomization: FluxKustomization; readonly uses: boolean },
): void {
  if (uses) checkOurs(outcome, kustomization);
  for (const source of sourcesOf(kustomization)) {
    if (typeof source?.name !== "string" || source.name === VARIABLES_CONFIG_MAP) continue;
    if (source.name === VALUES_CONFIG_MAP) {
      outcome.check(
        { system: kustomization.name, place: placeOf(context, kustomization, VALUES_CONFIG_MAP) },
        false,
        `substitutes from ${VALUES_CONFIG_MAP}, whose key values.yaml is no name of a variable: Flux refuses the whole ConfigMap`,
        `name ${VARIABLES_CONFIG_MAP}`,
      );
    } else checkOther(outcome, context, { kustomization, source });
  }
  const inline: Readonly<Record<string, unknown>> = kustomization.manifest.spec?.postBuild?.substitute ?? {};
  for (const name of Object.keys(inline)) {
    outcome.check(
      { system: kustomization.name, place: kustomization.file },
      VARIABLE_NAME.test(name),
      `postBuild.substitute has the name ${name}, which Flux doesn't take`,
      `write ${spelling(name)}`,
    );
  }
}

function checkOurs(outcome: OutcomeBuilder, kustomization: FluxKustomization): void {
  const place = { system: kustomization.name, place: kustomization.file };
  const ours = sourcesOf(kustomization).filter(({ name }) => name === VARIABLES_CONFIG_MAP);
  outcome.check(
    place,
    ours.some(({ kind }) => kind === "ConfigMap"),
    `applies manifests with variables and has no substituteFrom of the ConfigMap ${VARIABLES_CONFIG_MAP}`,
    `add spec.postBuild.substituteFrom: [{ kind: ConfigMap, name: ${VARIABLES_CONFIG_MAP} }]`,
  );
  outcome.check(
    place,
    kustomization.manifest.metadata?.namespace === FLUX_NAMESPACE,
    `substitutes variables outside ${FLUX_NAMESPACE}, where the ConfigMap ${VARIABLES_CONFIG_MAP} is`,
    `set metadata.namespace to ${FLUX_NAMESPACE}`,
  );
}

/** A source of the user's own. */
interface Source {
  readonly kustomization: FluxKustomization;
  readonly source: Fields;
}

function checkOther(outcome: OutcomeBuilder, context: RuleContext, { kustomization, source }: Source): void {
  const { kind, name, optional } = source;
  const { name: system } = kustomization;
  const namespace = kustomization.manifest.metadata?.namespace ?? FLUX_NAMESPACE;
  const found = sourceIn(context, { kind, name, namespace });
  if (found) {
    for (const key of Object.keys({ ...found.manifest.data, ...found.manifest.stringData })) {
      outcome.check(
        { system, place: found.file?.placeOfKey(found.manifest, key) ?? `${kind} ${namespace}/${name}` },
        VARIABLE_NAME.test(key),
        `the ${kind} ${name} has the key ${key}, which is no name of a variable: Flux refuses the whole ${kind}, and applies nothing of ${system}, which substitutes from it`,
        `write ${spelling(key)}, or leave ${name} out of substituteFrom in ${kustomization.file}`,
      );
    }
    return;
  }
  // Secrets may be made by hand or by an operator, and be no file of the tree.
  if (kind !== "ConfigMap" || optional === true || mayBeMadeByBroken(context, name)) return;
  outcome.check(
    { system, place: placeOf(context, kustomization, name) },
    false,
    `substitutes from the ConfigMap ${namespace}/${name}, which nothing makes: Flux applies nothing of ${system} until it is there`,
    `add it to ${FLUX_FOLDER}/clusters/${context.environment.name}, name ${VARIABLES_CONFIG_MAP}, or write optional: true where it may be missing`,
  );
}

interface Found {
  readonly manifest: Manifest;
  /** Absent when kustomize made it. */
  readonly file?: TreeFile;
}

/** A ConfigMap or Secret among the files of the environment's cluster, which are applied as they are, or what is rendered. */
function sourceIn(
  { files, objects, environment }: RuleContext,
  { kind, name, namespace }: { readonly kind: string; readonly name: string; readonly namespace: string },
): Found | undefined {
  const isIt = (manifest: Manifest | undefined): manifest is Manifest =>
    manifest?.kind === kind &&
    manifest.metadata?.name === name &&
    (manifest.metadata.namespace ?? "default") === namespace;
  const folder = `${FLUX_FOLDER}/clusters/${environment.name}/`;
  for (const file of files.filter((candidate) => candidate.file.startsWith(folder))) {
    const manifest = file.manifests.find(isIt);
    if (manifest) return { manifest, file };
  }
  const placed = objects.find(({ object }) => isIt(object));
  if (!placed) return undefined;
  const file = files.find(({ manifests }) => manifests.some(isIt));
  return { manifest: file?.manifests.find(isIt) ?? placed.object, ...(file ? { file } : {}) };
}

/** What can't be built may make anything that its files name. */
function mayBeMadeByBroken(
  { files, brokenFiles, failures, kustomizations }: RuleContext,
  name: string,
): boolean {
  const failed = kustomizations.filter((kustomization) => failures.has(kustomization.name));
  const unbuilt = files.filter(({ file }) => failed.some(({ path }) => file.startsWith(`${path}/`)));
  return [...brokenFiles, ...unbuilt].some(({ text }) => text.includes(name));
}

/** The line of a Flux Kustomization that names a source. */
function placeOf({ files }: RuleContext, { file, name: system }: FluxKustomization, name: string): string {
  const own = files.find((candidate) => candidate.file === file);
  const text = own
    ?.texts()
    .find(
      ({ value, path, document }) =>
        value === name &&
        path.join(".") === VARIABLE_FROM &&
        own.manifests[document]?.metadata?.name === system,
    );
  return own && text ? own.placeOf(text.range[0]) : file;
}
