import { textToBytes } from "./byte-text";

/** A name in the files under flux/ and the text that takes its place. */
export interface TokenReplacement {
  readonly placeholder: string;
  readonly value: string;
}

/** What may stand neither before nor after a token. Bytes 1 and 2 mark places inside the sed script (sed.ts). */
const WORD = "A-Za-z0-9_\\x01\\x02-";
const NOT_AFTER_WORD = `(?<![${WORD}])`;
const NOT_BEFORE_WORD = `(?![${WORD}]|\\.[A-Za-z0-9\\x01])`;

const PLACEHOLDER = /^[A-Za-z0-9](.*[A-Za-z0-9])?$/s;
const CONTROL_CHARACTER = /\p{Cc}/u;
const START = "\x01";
const END = "\x02";
const MARKER = new RegExp(`${START}(\\d*)${END}`, "g");

/** Longest placeholder first, then by bytes: the order in which they are looked for. */
export function sorted(replacements: readonly TokenReplacement[]): TokenReplacement[] {
  return replacements
    .map((replacement) => ({ replacement, bytes: Buffer.from(replacement.placeholder) }))
    .sort((a, b) => b.bytes.length - a.bytes.length || Buffer.compare(a.bytes, b.bytes))
    .map(({ replacement }) => replacement);
}

/**
 * Renders the environment variable REPLACEMENTS of the configuring program: one `placeholder<TAB>value` a line, sorted, so that
 * the order of the table never shows. Pairs that change nothing are in it, because a value that became its placeholder
 * again is a changed one.
 *
 * @throws Error when a placeholder or a value holds a control character (tab and line break included), when a
 * placeholder does not begin and end with a letter or a digit, or when one has two values.
 */
export function renderReplacements(replacements: readonly TokenReplacement[]): string {
  const values = new Map<string, string>();
  for (const { placeholder, value } of replacements) {
    for (const text of [placeholder, value]) {
      if (CONTROL_CHARACTER.test(text)) {
        throw new Error(
          `replacement of ${JSON.stringify(placeholder)}: ${JSON.stringify(text)} holds a control character; remove it`,
        );
      }
    }
    if (!PLACEHOLDER.test(placeholder)) {
      throw new Error(
        `replacement of ${JSON.stringify(placeholder)}: a placeholder has to begin and end with a letter or a digit (A-Z, a-z, 0-9)`,
      );
    }
    const other = values.get(placeholder);
    if (other !== undefined && other !== value) {
      throw new Error(
        `replacement of ${JSON.stringify(placeholder)}: two values, ${JSON.stringify(other)} and ${JSON.stringify(value)}; keep one`,
      );
    }
    values.set(placeholder, value);
  }
  return sorted([...values].map(([placeholder, value]) => ({ placeholder, value })))
    .map(({ placeholder, value }) => `${placeholder}\t${value}`)
    .join("\n");
}

/**
 * Reads what {@link renderReplacements} wrote.
 * @throws Error that names the line
 */
export function parseReplacements(text: string): TokenReplacement[] {
  return text.split("\n").flatMap((line, index) => {
    if (line === "") return [];
    const [placeholder = "", value = "", ...more] = line.split("\t");
    const columns = line.split("\t").length;
    if (columns !== 2 || more.length > 0)
      throw new Error(
        `line ${index + 1} of REPLACEMENTS: expected placeholder, one tab and value, found ${columns} columns`,
      );
    return [{ placeholder, value }];
  });
}

/**
 * Replaces every placeholder that is a whole token: longest first, and no value is searched again. A token neither follows nor
 * precedes a character of [A-Za-z0-9_-], and does not precede a dot that an alphanumeric follows. A pair whose value is its
 * placeholder keeps that text as it is, and hides shorter placeholders in it.
 */
export function replaceTokens(text: string, replacements: readonly TokenReplacement[]): string {
  const { marked, table } = markTokens(text, replacements);
  return unmark(marked, (index) => table[index]?.value ?? "");
}

/** A text in which each token is a marker, and the table that the markers' numbers are of. */
export function markTokens(text: string, replacements: readonly TokenReplacement[]) {
  const table = sorted(replacements.filter(({ placeholder }) => text.includes(placeholder)));
  let marked = text.replaceAll(START, START + END);
  table.forEach(({ placeholder }, index) => {
    marked = marked.replace(tokenPattern([placeholder], "g"), `${START}${index + 1}${END}`);
  });
  return { marked, table };
}

/** A marked text with its markers replaced, and bytes that look like one as they were. */
export function unmark(marked: string, textOf: (index: number) => string): string {
  return marked.replace(MARKER, (_, index) => (index === "" ? START : textOf(Number(index) - 1)));
}

/** How often each of some texts is a whole token; one inside a longer one doesn't count. */
export function countTokens(text: string, tokens: Iterable<string>): ReadonlyMap<string, number> {
  const unique = [...new Set(tokens)].filter(isToken);
  const { marked, table } = markTokens(
    text,
    unique.map((token) => ({ placeholder: token, value: token })),
  );
  const counts = new Map<string, number>();
  unmark(marked, (index) => {
    const token = table[index]?.placeholder ?? "";
    counts.set(token, (counts.get(token) ?? 0) + 1);
    return "";
  });
  return counts;
}

/** Whether a text can be found as a whole token: it begins and ends with a letter or a digit. */
export const isToken = (text: string): boolean => PLACEHOLDER.test(text);

/** Tells whether any of the placeholders is a whole token of the bytes. */
export function tokenFinder(placeholders: readonly string[]): (bytes: Buffer) => boolean {
  if (placeholders.length === 0) return () => false;
  // Most files hold none: a search for bytes is cheaper than making a string of the file, and `chat.example.com` needs none of its own.
  const needles = placeholders
    .filter((one) => !placeholders.some((other) => other !== one && one.includes(other)))
    .map((placeholder) => Buffer.from(placeholder));
  const token = tokenPattern(placeholders.map(asLatin1));
  return (bytes) => needles.some((needle) => bytes.includes(needle)) && token.test(bytes.toString("latin1"));
}

/** A text as the bytes of a file that was read as latin1. */
export const asLatin1 = (text: string): string => textToBytes(text).toString("latin1");

/** Finds any of some texts as a whole token. */
export function tokenPattern(tokens: readonly string[], flags = ""): RegExp {
  const source = `${NOT_AFTER_WORD}(?:${tokens.map(escapeRegex).join("|")})${NOT_BEFORE_WORD}`;
  const key = `${flags} ${source}`;
  const pattern = patterns.get(key) ?? new RegExp(source, flags);
  patterns.set(key, pattern);
  return pattern;
}

/** The same few are used for thousands of files. */
const patterns = new Map<string, RegExp>();

/** A text as a regular expression that finds it. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
