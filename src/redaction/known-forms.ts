import { PEM_BEGIN, pemBlock } from "./pem-block";
import type { Range } from "./ranges";

/** Of a secret whose end is not settled by the text: how it goes on at a place. */
export interface OpenSecret {
  /** The place in the text at which the next one is read on. */
  readonly at: number;
  /** What is still of it, from there; undefined: a key in PEM. */
  readonly rest?: RegExp;
  readonly ending?: boolean;
}

/** A secret in a text, and where what it is known by begins: `authorization: Bearer ` stays readable. */
export interface KnownRange extends Range {
  readonly lead: number;
}

/** What was found of the known forms in a text. */
export interface KnownFound {
  readonly ranges: KnownRange[];
  /** From here the rest may be the begin of a known form; the text's length when it is not. */
  readonly unfinished: number;
  /** The secrets that go on behind the text, and where they began: one for each way in which one can go on. */
  readonly open: readonly (OpenSecret & { readonly start: number })[];
}

interface KnownForm {
  /** Its begin, as much of it as makes it one. In the first group what stands before the secret and stays. */
  readonly whole: RegExp;
  /** With what the secret goes on. */
  readonly rest: RegExp;
  /** Its begin, sign by sign, up to where `whole` finds it; none: AUTHORIZATIONS has it. */
  readonly begin: readonly string[];
}

const [SPACE, QUOTE] = ["[ \\t\\r\\n]", "\\\\{0,3}[\"']?"];

/**
 * Secrets that are known by their looks, whoever has them: private keys of age and in PEM, tokens of DigitalOcean (docs.digitalocean.com,
 * "API tokens" begin with dop_v1_, doo_v1_, dor_v1_) and GitHub (docs.github.com, "token prefixes"), and what is sent to authorize.
 */
const KNOWN_FORMS: readonly KnownForm[] = [
  form("()AGE-SECRET-KEY-1", [..."AGE-SECRET-KEY-1"], "[A-Z0-9]", 20, "gi"),
  form("()do[opr]_v1_", ["d", "o", "[opr]", ..."_v1_"], "[0-9a-f]", 16, "gi"),
  form("()gh[opsur]_", ["g", "h", "[opsur]", "_"], "[A-Za-z0-9]", 16, "g"),
  form("()github_pat_", [..."github_pat_"], "[A-Za-z0-9_]", 16, "g"),
  form(
    `(authorization${QUOTE}${SPACE}{0,16}[:=]${SPACE}{0,16}\\[?${QUOTE}(?:bearer|basic|token)${SPACE}{1,16})`,
    [],
    "[^ \\t\\r\\n\"'\\]\\\\]",
    1,
    "gi",
  ),
];

const ESCAPED_QUOTE = ["\\\\{0,3}", "[\"']?"];
const AUTHORIZATIONS = ["bearer", "basic", "token"].map((scheme) => [
  ..."authorization",
  ...ESCAPED_QUOTE,
  `${SPACE}{0,16}`,
  "[:=]",
  `${SPACE}{0,16}`,
  "\\[?",
  ...ESCAPED_QUOTE,
  ...scheme,
  `${SPACE}{1,16}`,
]);
/** Without any of these there is none: one pass over a text instead of one for each. */
const HINT = /-----BEGIN|AGE-SECRET-KEY-1|_v1_|gh[opsur]_|github_pat_|authorization/i;
const PEM_FIRST_LINE = [..."-----BEGIN ", "[A-Z ]{0,40}", ..."PRIVATE KEY-----"];
/** No begin of a known form is longer. */
const LONGEST_BEGIN = 160;
const BEGINS = new RegExp(
  [
    PEM_FIRST_LINE,
    ...AUTHORIZATIONS,
    ...KNOWN_FORMS.flatMap(({ begin }) => (begin.length > 0 ? [begin] : [])),
  ]
    .map(partOf)
    .join("|"),
  "i",
);

/** @param least so many signs it takes at least to be one */
function form(
  lead: string,
  begin: readonly string[],
  sign: string,
  least: number,
  flags: "g" | "gi",
): KnownForm {
  return {
    whole: new RegExp(`${lead}${sign}{${least}}`, flags),
    rest: new RegExp(`${sign}*`, flags === "gi" ? "iy" : "y"),
    begin: least > 1 ? [...begin, `${sign}{0,${least - 1}}`] : begin,
  };
}

/** A pattern for every begin of a text at the end of another one: `a(?:b(?:c|$)|$)`. */
function partOf(parts: readonly string[]): string {
  const escaped = parts.map((part) => (part.length === 1 ? part.replace(/[-[\]().*+?^$|\\]/, "\\$&") : part));
  const [first = "", ...others] = escaped;
  return `(?:${first}${others.reduceRight((rest, part) => `(?:${part}${rest}|$)`, "$")})`;
}

/** The begin of what began before this text: all of it up to where it is read on belongs to that. */
const BEFORE = -1;

/**
 * Finds secrets by their looks. Each is found by itself, also where it begins in another one, so that it makes no difference which of them
 * a text is cut in.
 * @param open what the text before this one has left open
 * @param isLast nothing follows this text, so that a key in PEM ends with it
 */
export function findKnown(text: string, open: readonly OpenSecret[], isLast: boolean): KnownFound {
  const found: Finding = { ranges: [], unfinished: unfinishedFrom(text), open: [] };
  if (open.length === 0 && !HINT.test(text)) return found;
  findKeys(
    text,
    open.find(({ rest }) => rest === undefined),
    isLast,
    found,
  );
  for (const { whole, rest } of KNOWN_FORMS)
    findForm(
      text,
      whole,
      rest,
      open.find((one) => one.rest === rest),
      found,
    );
  return found;
}

interface Finding extends KnownFound {
  unfinished: number;
  open: (OpenSecret & { readonly start: number })[];
}

function findKeys(text: string, open: OpenSecret | undefined, isLast: boolean, found: Finding): void {
  const read = (start: number, from: number, wasEnding = false): number => {
    const { end, line, ending, ...block } = pemBlock(text, from, wasEnding, isLast);
    found.ranges.push({ start, end, lead: start });
    if (!block.open) return end;
    found.unfinished = Math.min(found.unfinished, line);
    found.open.push({ start, at: line, ending });
    return text.length;
  };
  PEM_BEGIN.lastIndex = open ? read(BEFORE, open.at, open.ending) : 0;
  for (let begin = PEM_BEGIN.exec(text); begin; begin = PEM_BEGIN.exec(text))
    PEM_BEGIN.lastIndex = read(begin.index, PEM_BEGIN.lastIndex);
}

function findForm(
  text: string,
  whole: RegExp,
  rest: RegExp,
  open: OpenSecret | undefined,
  found: Finding,
): void {
  let end = -1;
  const read = (lead: number, start: number, from: number): void => {
    // What begins in one of its kind goes on as that does.
    if (from > end) {
      rest.lastIndex = from;
      end = from + (rest.exec(text)?.[0].length ?? 0);
      if (end === text.length) found.open.push({ start, at: end, rest });
    }
    found.ranges.push({ start, end, lead });
  };
  if (open) read(BEFORE, BEFORE, open.at);
  whole.lastIndex = 0;
  for (let begin = whole.exec(text); begin; begin = whole.exec(text)) {
    read(begin.index, begin.index + (begin[1] as string).length, whole.lastIndex);
    whole.lastIndex = begin.index + 1;
  }
}

/** Secrets by their looks in a text that is whole. */
export function knownRanges(text: string): readonly Range[] {
  return HINT.test(text) ? findKnown(text, [], true).ranges : [];
}

/** Where the begin of a known form stands at the end of a text; the text's length when there is none. */
function unfinishedFrom(text: string): number {
  const begin = Math.max(0, text.length - LONGEST_BEGIN);
  const tail = text.slice(begin);
  // Most writes are whole lines, and only what authorizes goes on behind the end of a line.
  if (tail.endsWith("\n") && !/authorization/i.test(tail)) return text.length;
  return begin + (BEGINS.exec(tail)?.index ?? tail.length);
}
