import { type Document, isAlias, isMap, isScalar, parse, parseDocument } from "yaml";
import { shownPath } from "../place";
import type { ApplicationSecret } from "./application-secret";
import { OPEN_PARTS, openComments } from "./plain-parts";
import { recipientsOf, type SecretFile, valuesIn } from "./secret-files";
import { madeOf, makeValues, type ValueOptions } from "./secret-values";
import { SOPS_CONFIGURATION } from "./sops-configuration";
import { lineOf, yamlProblem } from "./yaml-problem";

/** What a person made of a secret's plain text. */
export interface EditedSecret {
  /** What is wrong with it, each with its place and fix; then nothing may be written. No message holds a value. */
  readonly problems: readonly string[];
  /** Keys with other values than before, new ones and those that were taken out. */
  readonly changed: readonly string[];
  /** Keys that are made of changed ones and that were recreated with them. */
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
  const broken = yamlProblem(document);
  if (broken)
    return refused([`line ${lineOf(after, broken.offset)} is no YAML (${broken.code}: ${broken.reason})`]);
  const edited = document.toJS() as (SecretFile & { readonly kind?: string }) | null;
  if (edited === null || typeof edited !== "object" || Array.isArray(edited))
    return refused([
      "it is no Kubernetes Secret any more: apiVersion, kind, metadata and stringData are missing",
    ]);
  const originalDocument = parseDocument(before);
  const original = originalDocument.toJS() as SecretFile & { readonly kind?: string };
  const problems = [
    ...manifestProblems(original, edited),
    ...valueProblems(edited),
    ...misreadValues(writtenValues(originalDocument, before), writtenValues(document, after), after),
    ...encodingProblems(original, edited),
    ...repeatedValues(original, edited),
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

/**
 * Judges what SOPS made of an edited text before it is written: values are encrypted by then (Sops.encryptText() sees to that).
 * @param encrypted the file as it was
 * @param after the text that was edited
 * @param directory the project's directory
 * @param file from there
 * @param recipients for whom the environment's secrets are encrypted
 * @returns what is wrong, each with its place and fix, without what a comment says
 */
export function judgeEncrypted(
  text: string,
  {
    encrypted,
    after,
    directory,
    file,
    recipients,
  }: {
    readonly encrypted: string;
    readonly after: string;
    readonly directory: string;
    readonly file: string;
    readonly recipients: readonly string[];
  },
): string[] {
  const known = new Set(openComments(encrypted));
  const lines = after.split("\n");
  const comments = openComments(text).filter((comment) => !known.has(comment));
  const places = comments.map((comment) => lines.findIndex((line) => line.trim().endsWith(comment)) + 1);
  const actual = recipientsOf(parse(text) as SecretFile);
  const foreign = actual.filter((recipient) => !recipients.includes(recipient));
  const absent = recipients.filter((recipient) => !actual.includes(recipient));
  return [
    ...places.map(
      (line) =>
        `the comment ${line > 0 ? `in line ${line} ` : ""}would be in Git in plain text, since SOPS encrypts only what is among the values: take it out, or put it behind a value of stringData`,
    ),
    ...(foreign.length + absent.length > 0
      ? [
          `${shownPath(directory, file)} was not written: ${shownPath(directory, SOPS_CONFIGURATION)} has another rule for it, which encrypts it for ${actual.join(", ") || "no age key"} and not for ${recipients.join(", ")}. Put that rule right`,
        ]
      : []),
  ];
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
    ...Object.keys(edited)
      .filter((part) => ![...OPEN_PARTS, "data", "stringData", "sops"].includes(part))
      .map(
        (part) =>
          `${part} is no part of a Kubernetes Secret and would be in Git in plain text: take it out, or indent it below stringData`,
      ),
    ...(edited.sops === undefined
      ? []
      : ["the part sops belongs to the encrypted file, which is written again: take it out"]),
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

/** A value of a secret as it is written. */
interface WrittenValue {
  readonly node: unknown;
  /** Where it ends in the text; a comment behind it is behind this. */
  readonly end: number;
  /** Its lines with key, tag and comment. */
  readonly source: string;
}

/** The values of a secret as they are written, by their places. */
function writtenValues(document: Document.Parsed, text: string): Map<string, WrittenValue> {
  const values = new Map<string, WrittenValue>();
  for (const part of ["data", "stringData"]) {
    const content = document.get(part);
    for (const { key, value } of isMap(content) ? content.items : []) {
      if (!isScalar(key) || !key.range || !(isScalar(value) || isAlias(value)) || !value.range) continue;
      const [, end] = value.range;
      const lineEnd = text.indexOf("\n", end);
      const source = text.slice(key.range[0], lineEnd < 0 ? undefined : lineEnd);
      values.set(`${part}.${key.value}`, { node: value, end, source });
    }
  }
  return values;
}

/**
 * Values of which YAML leaves out a part, so that a password would be another one than was typed. What was so before is meant: SOPS takes the
 * quotes off a value that has a comment behind it.
 */
function misreadValues(
  before: ReadonlyMap<string, WrittenValue>,
  after: ReadonlyMap<string, WrittenValue>,
  text: string,
): string[] {
  return [...after].flatMap(([place, { node, end, source }]) => {
    if (before.get(place)?.source === source) return [];
    const line = lineOf(text, end);
    const mark = isAlias(node)
      ? "*"
      : isScalar(node) && node.anchor
        ? "&"
        : isScalar(node) && node.tag
          ? "!"
          : "";
    if (mark !== "")
      return [
        `${place} in line ${line} begins with ${mark}, which is no part of the value in YAML: put it in quotes`,
      ];
    return isScalar(node) && node.type === "PLAIN" && /^[ \t]+#/.test(text.slice(end))
      ? [
          `${place} in line ${line}: the value ends before the #: put it in quotes (if a comment is meant, the value without it)`,
        ]
      : [];
  });
}

/** Kubernetes decodes what is below data, and takes what is below stringData as it is. */
function encodingProblems({ stringData: before = {} }: SecretFile, { data }: SecretFile): string[] {
  return Object.entries(data ?? {}).flatMap(([key, value]) => {
    if (typeof value !== "string" || value === "") return [];
    // A password of hexadecimal digits could be Base64 as well.
    const isMoved = before[key] === value;
    return isMoved || !BASE64.test(value.replace(/\s/g, ""))
      ? [`data.${key} is no Base64, which Kubernetes wants there: put it below stringData as it is`]
      : [];
  });
}

/** Shorter values, such as a user's name, are found in labels that have nothing to do with them. */
const TELLING_LENGTH = 8;

/** What an edit writes beside the values would be in Git in plain text: a value must not be repeated there. */
function repeatedValues(original: SecretFile, edited: SecretFile): string[] {
  const known = new Map(openTexts(original.metadata, "metadata"));
  const added = openTexts(edited.metadata, "metadata").filter(([place, text]) => known.get(place) !== text);
  const secrets = [
    ...Object.entries(edited.stringData ?? {}).map(([key, value]) => [`stringData.${key}`, value] as const),
    ...Object.entries(edited.data ?? {}).flatMap(([key, value]) => [
      [`data.${key}`, value] as const,
      [`data.${key}`, Buffer.from(String(value), "base64").toString()] as const,
    ]),
  ].filter(([, value]) => String(value).length >= TELLING_LENGTH);
  return added.flatMap(([place, text]) => {
    const [found] = secrets.find(([, value]) => text.includes(String(value))) ?? [];
    return found === undefined
      ? []
      : [
          `${place} repeats the value of ${found} and would be in Git in plain text, since only what is below data and stringData is encrypted: take it out`,
        ];
  });
}

/** The texts of a part, with their places. */
function openTexts(part: unknown, place: string): Array<[place: string, text: string]> {
  if (part === null || part === undefined) return [];
  if (typeof part !== "object") return [[place, String(part)]];
  return Object.entries(part).flatMap(([key, inner]) => openTexts(inner, `${place}.${key}`));
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function missingKeys(declared: ApplicationSecret | undefined, edited: SecretFile): string[] {
  const present = valuesIn(edited);
  return Object.entries(declared?.values ?? {}).flatMap(([key, value]) => {
    if (!(key in present))
      return [`stringData.${key} is missing, and an application reads it: bring it back`];
    const mayBeEmpty = "variable" in value && value.withoutIt !== undefined;
    return present[key] === "" && !mayBeEmpty ? [`stringData.${key} is empty: give it a value`] : [];
  });
}
