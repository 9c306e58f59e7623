import { parseDocument } from "yaml";
import type { ApplicationSecret } from "./application-secret";
import { type SecretFile, valuesIn } from "./secret-files";
import { madeOf, makeValues, type ValueOptions } from "./secret-values";

/** What a person made of a secret's plain text. */
export interface EditedSecret {
  /** What is wrong with it, each with its place and fix; then nothing may be written. No message holds a value. */
  readonly problems: readonly string[];
  /** Keys with other values than before, new ones and those that were taken out. */
  readonly changed: readonly string[];
  /** Keys that are made of changed ones and that were made anew with them. */
  readonly madeAnew: readonly string[];
  /** The text to encrypt. */
  readonly text: string;
}

/**
 * Judges the edited text of a secret.
 * @param before the text as it was decrypted
 * @param declared the secret as src/secrets/applications declares it, if it does: its keys have to stay
 */
export function judgeEdit(
  before: string,
  after: string,
  declared: ApplicationSecret | undefined,
  options: ValueOptions,
): EditedSecret {
  const document = parseDocument(after, { prettyErrors: false });
  const refused = (problems: readonly string[]): EditedSecret => ({
    problems,
    changed: [],
    madeAnew: [],
    text: after,
  });
  const [error] = document.errors;
  // The message of a parser quotes the line, which may be a value.
  if (error) return refused([`line ${lineOf(after, error.pos[0])} is no YAML (${error.code})`]);
  const edited = document.toJS() as (SecretFile & { readonly kind?: string }) | null;
  if (edited === null || typeof edited !== "object" || Array.isArray(edited))
    return refused([
      "it is no Kubernetes Secret any more: apiVersion, kind, metadata and stringData are missing",
    ]);
  const original = parseDocument(before).toJS() as SecretFile & { readonly kind?: string };
  const problems = [
    ...manifestProblems(original, edited),
    ...valueProblems(edited),
    ...missingKeys(declared, edited),
  ];
  if (problems.length > 0) return refused(problems);
  const [old, present] = [valuesIn(original), valuesIn(edited)];
  const changed = [...new Set([...Object.keys(old), ...Object.keys(present)])].filter(
    (key) => old[key] !== present[key],
  );
  if (!declared) return { problems, changed, madeAnew: [], text: after };
  // Whoever changes a password means the address that is made of it as well, unless that was changed too.
  const madeAnew = madeOf(declared, changed).filter((key) => !changed.includes(key));
  const staying = Object.fromEntries(
    Object.entries(present as Record<string, string>).filter(([key]) => !madeAnew.includes(key)),
  );
  if (madeAnew.length > 0) {
    const made = makeValues(declared, staying, options);
    for (const key of madeAnew) document.setIn(["stringData", key], made[key]);
  }
  return {
    problems,
    changed,
    madeAnew,
    text: madeAnew.length > 0 ? document.toString({ lineWidth: 0 }) : after,
  };
}

function manifestProblems(
  original: SecretFile & { readonly kind?: string },
  edited: SecretFile & { readonly kind?: string },
): string[] {
  return [
    ...(edited.kind === "Secret" ? [] : [`kind has to stay "Secret"`]),
    ...(edited.metadata?.name === original.metadata?.name &&
    edited.metadata?.namespace === original.metadata?.namespace
      ? []
      : [
          `metadata.name and metadata.namespace have to stay ${original.metadata?.namespace}/${original.metadata?.name}: applications look for it there`,
        ]),
    ...(edited.sops === undefined
      ? []
      : ["the part sops belongs to the encrypted file, which is written anew: take it out"]),
  ];
}

function valueProblems({ stringData = {}, data = {} }: SecretFile): string[] {
  const values = Object.entries({ ...data, ...stringData } as Record<string, unknown>);
  return values.flatMap(([key, value]) => {
    if (typeof value !== "string")
      return [
        `stringData.${key} is no text (${value === null ? "empty" : typeof value}): put it into quotes`,
      ];
    return /[\u0000-\u0008\u000b-\u001f\u007f]/.test(value)
      ? [`stringData.${key} has a control character, which no container can be given`]
      : [];
  });
}

function missingKeys(declared: ApplicationSecret | undefined, edited: SecretFile): string[] {
  const present = valuesIn(edited);
  return Object.entries(declared?.values ?? {}).flatMap(([key, value]) => {
    if (!(key in present))
      return [`stringData.${key} is missing, and an application reads it: bring it back`];
    const mayBeEmpty = "variable" in value && value.withoutIt !== undefined;
    return present[key] === "" && !mayBeEmpty ? [`stringData.${key} is empty: give it a value`] : [];
  });
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
