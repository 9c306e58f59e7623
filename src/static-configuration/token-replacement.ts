/** A name in the files under flux/ and the text that takes its place. */
export interface TokenReplacement {
  readonly placeholder: string;
  readonly value: string;
}

/** What may stand neither before nor after a token. Bytes 1 and 2 mark places inside the sed script. */
const WORD = "A-Za-z0-9_\\x01\\x02-";
const NOT_AFTER_WORD = `(?<![${WORD}])`;
const NOT_BEFORE_WORD = `(?![${WORD}]|\\.[A-Za-z0-9\\x01])`;

const PLACEHOLDER = /^[A-Za-z0-9](.*[A-Za-z0-9])?$/s;
const CONTROL_CHARACTER = /\p{Cc}/u;
const START = "\x01";
const END = "\x02";
const MARKER = new RegExp(`${START}(\\d*)${END}`, "g");

/**
 * The replacements that configure.sh carries out, in its order: without those that change nothing, longest
 * placeholder first, then by bytes.
 */
export function effectiveReplacements(replacements: readonly TokenReplacement[]): TokenReplacement[] {
  return sorted(replacements.filter(({ placeholder, value }) => placeholder !== value));
}

function sorted(replacements: readonly TokenReplacement[]): TokenReplacement[] {
  return replacements
    .map((replacement) => ({ replacement, bytes: Buffer.from(replacement.placeholder) }))
    .sort((a, b) => b.bytes.length - a.bytes.length || Buffer.compare(a.bytes, b.bytes))
    .map(({ replacement }) => replacement);
}

/**
 * Renders the environment variable REPLACEMENTS of configure.sh: one `placeholder<TAB>value` a line, sorted, so that
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
 * Replaces every placeholder that is a whole token, as configure.sh does in a file that was never configured: longest
 * first, and no value is searched again. A token neither follows nor precedes a character of [A-Za-z0-9_-], and does
 * not precede a dot that an alphanumeric follows.
 */
export function replaceTokens(text: string, replacements: readonly TokenReplacement[]): string {
  const table = effectiveReplacements(replacements);
  let marked = text.replaceAll(START, START + END);
  table.forEach(({ placeholder }, index) => {
    const token = new RegExp(`${NOT_AFTER_WORD}${escapeRegex(placeholder)}${NOT_BEFORE_WORD}`, "g");
    marked = marked.replace(token, `${START}${index + 1}${END}`);
  });
  return marked.replace(MARKER, (_, index) =>
    index === "" ? START : (table[Number(index) - 1]?.value ?? ""),
  );
}

/** {@link replaceTokens} for the bytes of a file, whatever their encoding. */
export function replaceTokensInBytes(bytes: Buffer, replacements: readonly TokenReplacement[]): Buffer {
  return Buffer.from(replaceTokens(bytes.toString("latin1"), replacements.map(asLatin1)), "latin1");
}

/** Tells whether any of the placeholders is a whole token of the bytes. */
export function tokenFinder(placeholders: readonly string[]): (bytes: Buffer) => boolean {
  if (placeholders.length === 0) return () => false;
  const needles = placeholders.map((placeholder) => Buffer.from(placeholder));
  const alternatives = needles.map((needle) => escapeRegex(needle.toString("latin1"))).join("|");
  const token = new RegExp(`${NOT_AFTER_WORD}(?:${alternatives})${NOT_BEFORE_WORD}`);
  // Most files hold none: a search for bytes is cheaper than making a string of the file.
  return (bytes) => needles.some((needle) => bytes.includes(needle)) && token.test(bytes.toString("latin1"));
}

function asLatin1({ placeholder, value }: TokenReplacement): TokenReplacement {
  return {
    placeholder: Buffer.from(placeholder).toString("latin1"),
    value: Buffer.from(value).toString("latin1"),
  };
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
