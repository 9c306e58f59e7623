import { distance } from "fastest-levenshtein";
import { nearest } from "../../config";
import { VARIABLE_PREFIX, VARIABLES_CONFIG_MAP } from "../../flux";
import { isLeftOut, variablesFor } from "../render";
import { nearestVariable, type Reference, referencesIn, spelling, VARIABLE_NAME } from "../substitution";
import type { FluxKustomization } from "../tree";
import type { PlacedText, TreeFile } from "../tree-file";
import type { RuleContext } from "./context";
import { OutcomeBuilder, type Rule } from "./rule";
import { checkSources, sourcesOf } from "./substitution-sources";
import { systemOf } from "./system-of";
import { checkValuesFrom } from "./values-from";

const DOTTED =
  "Flux takes names of letters, digits and underscores only, and Helm never expands a variable in values";

/** Every `${…}` gets a value from the dynamic configuration, in the one way that Flux offers. */
export const variables: Rule = {
  id: "variables",
  title: "every variable is written as Flux wants it, and produced",
  check(context) {
    const outcome = new OutcomeBuilder("variables");
    const told = new Set<string>();
    for (const kustomization of context.kustomizations) {
      const files = filesOf(context, kustomization);
      const used = files.flatMap((file) => checkReferences(outcome, { context, kustomization, file, told }));
      checkSources(outcome, context, { kustomization, uses: used.length > 0 });
      checkBuilt(outcome, { context, kustomization, names: new Set(used.map(({ name }) => name)) });
    }
    for (const file of context.files) checkValuesFrom(outcome, context, file);
    checkNamesOutsideKustomizations(outcome, context, told);
    return outcome;
  },
};

/** The YAML files that building a Kustomization reads; none when one is missing, which the build says. */
function filesOf({ tree, files }: RuleContext, { path }: FluxKustomization): TreeFile[] {
  try {
    const names = new Set(tree.filesReadBy(path));
    return files.filter(({ file }) => names.has(file));
  } catch {
    return [];
  }
}

interface BuiltContext {
  readonly context: RuleContext;
  readonly kustomization: FluxKustomization;
  /** Those that have been looked at in the files. */
  readonly names: ReadonlySet<string>;
}

/** What kustomize made of other files: scripts and documents that a generator puts into ConfigMaps. */
function checkBuilt(outcome: OutcomeBuilder, { context, kustomization, names }: BuiltContext): void {
  if (!kustomization.manifest.spec?.postBuild) return;
  const produced = variablesFor(context.environment, kustomization.manifest);
  const built = context.objects.filter(
    ({ system, release, unsubstituted }) =>
      system === kustomization.name && !release && unsubstituted && !isLeftOut(unsubstituted),
  );
  for (const { system, place, unsubstituted } of built) {
    const references = textsIn(unsubstituted)
      .flatMap(referencesIn)
      .filter(({ name }) => !names.has(name));
    for (const { name, valid, hasDefault, text } of new Map(
      references.map((one) => [one.text, one]),
    ).values()) {
      outcome.check(
        { system, place },
        (valid && (hasDefault || name in produced)) || hasOtherSources(kustomization),
        valid ? `nothing produces ${text}` : `${text} is not written as Flux wants a variable`,
        "write $${…} if it is meant for a shell, or give the object the annotation kustomize.toolkit.fluxcd.io/substitute: disabled",
      );
    }
  }
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

interface FileContext {
  readonly context: RuleContext;
  readonly kustomization: FluxKustomization;
  readonly file: TreeFile;
  /** Places that have been told, since a base is read by several Kustomizations. */
  readonly told: Set<string>;
}

function checkReferences(
  outcome: OutcomeBuilder,
  { context, kustomization, file, told }: FileContext,
): Reference[] {
  const produced = variablesFor(context.environment, kustomization.manifest);
  return substitutedTexts(file).flatMap((text) =>
    referencesIn(text.source).map((reference) => {
      const offset = text.range[0] + reference.offset;
      const place = { system: kustomization.name, place: file.placeOf(offset) };
      told.add(`${file.file}@${offset}`);
      if (!checkName(outcome, place, reference)) return reference;
      outcome.check(
        place,
        reference.hasDefault || reference.name in produced || hasOtherSources(kustomization),
        `nothing produces ${reference.text}`,
        suggestion(reference.name, Object.keys(produced)),
      );
      return reference;
    }),
  );
}

function checkName(
  outcome: OutcomeBuilder,
  place: { readonly system: string; readonly place: string },
  { name, valid, text }: Reference,
): boolean {
  return outcome.check(
    place,
    valid,
    `${text} can't work: ${DOTTED}`,
    VARIABLE_NAME.test(spelling(name))
      ? `write \${${spelling(name)}}${name.startsWith(`${VARIABLE_PREFIX}.`) ? " (npm run validate -- --fix does it)" : ""}`
      : "write $${…} where it is meant for a shell",
  );
}

/** Files that no Kustomization of this environment reads (other environments', overlays that no cluster applies): the names only. */
function checkNamesOutsideKustomizations(
  outcome: OutcomeBuilder,
  { files, kustomizations }: RuleContext,
  told: ReadonlySet<string>,
): void {
  for (const file of files) {
    const system = systemOf(file.file, kustomizations);
    for (const text of substitutedTexts(file)) {
      for (const reference of referencesIn(text.source)) {
        const offset = text.range[0] + reference.offset;
        if (told.has(`${file.file}@${offset}`)) continue;
        checkName(outcome, { system, place: file.placeOf(offset) }, reference);
      }
    }
  }
}

/** The texts that Flux substitutes in: not those of objects that are left out by a label or an annotation. */
function substitutedTexts(file: TreeFile): PlacedText[] {
  const manifests = file.manifests;
  return file.texts().filter(({ document }) => {
    const manifest = manifests[document];
    return manifest === undefined || !isLeftOut(manifest);
  });
}

/** A ConfigMap or Secret of the user's own may have what the dynamic configuration does not. */
function hasOtherSources(kustomization: FluxKustomization): boolean {
  return sourcesOf(kustomization).some(({ name }) => name !== VARIABLES_CONFIG_MAP);
}

function suggestion(name: string, produced: readonly string[]): string {
  if (!name.startsWith(VARIABLE_PREFIX)) {
    return `write $\${${name}} if it is meant for a shell; the variables are listed in docs/variables.md`;
  }
  const application =
    /^infraConfig_applications_([a-z0-9_]+?)_(?:profile|resources|storage|replicas|maxReplicas)/.exec(
      name,
    )?.[1];
  if (application && !produced.some((known) => known === `${VARIABLE_PREFIX}_applications_${application}`)) {
    const [known] = nearest(application, applicationsIn(produced), 1);
    return `${known && isClose(application, known) ? `write ${known} if you mean it, or ` : ""}add "${application}": {} under applications in infrastructure.config.json`;
  }
  const near = nearestVariable(name, produced);
  return near
    ? `write \${${near}}`
    : `take one of docs/variables.md, or give it a value of its own: \${${name}:=value}`;
}

/** The applications that have variables. */
function applicationsIn(produced: readonly string[]): string[] {
  return produced.flatMap(
    (name) => /^infraConfig_applications_([a-z0-9_]+)_resources$/.exec(name)?.[1] ?? [],
  );
}

/** One letter more, less or other: rather a slip than another name. */
const isClose = (name: string, known: string): boolean => distance(name, known) <= 1;
