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

/** What was found of the known forms in a text. */
export interface KnownFound {
  readonly ranges: Range[];
  /** From here the rest may be the begin of a known form; the text's length when it is not. */
  readonly unfinished: number;
  /** A secret that goes on behind the text, where it began, and where what it is known by began. */
  readonly open?: OpenSecret & { readonly start: number; readonly lead: number };
}

interface KnownForm {
  /** In the first group what stands before the secret and stays. */
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
    whole: new RegExp(`${lead}${sign}{${least},}`, flags),
    rest: new RegExp(`${sign}+`, flags === "gi" ? "iy" : "y"),
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
 * Finds secrets by their looks.
 * @param open what the text before this one has left open
 * @param isLast nothing follows this text, so that a key in PEM ends with it
 */
export function findKnown(text: string, open: OpenSecret | undefined, isLast: boolean): KnownFound {
  if (open === undefined && !HINT.test(text)) return { ranges: [], unfinished: unfinishedFrom(text, 0) };
  const ranges: Range[] = [];
  let goesOn: KnownFound["open"];
  let unfinished = text.length;
  const pem = (start: number, from: number, ending = false): number => {
    const block = pemBlock(text, from, ending, isLast);
    ranges.push({ start, end: block.end });
    if (block.open) {
      unfinished = Math.min(unfinished, block.line);
      goesOn = { start, lead: start, at: block.line, ending: block.ending };
    }
    return block.open ? text.length : block.end;
  };
  let from = 0;
  if (open?.rest) {
    open.rest.lastIndex = open.at;
    from = open.at + (open.rest.exec(text)?.[0].length ?? 0);
    ranges.push({ start: BEFORE, end: from });
    if (from === text.length) goesOn = { start: BEFORE, lead: BEFORE, at: from, rest: open.rest };
  } else if (open) from = pem(BEFORE, open.at, open.ending);
  PEM_BEGIN.lastIndex = from;
  for (let found = PEM_BEGIN.exec(text); found; found = PEM_BEGIN.exec(text))
    PEM_BEGIN.lastIndex = pem(found.index, PEM_BEGIN.lastIndex);
  for (const { whole, rest } of KNOWN_FORMS)
    for (const found of text.matchAll(whole)) {
      const start = found.index + (found[1] as string).length;
      const end = found.index + found[0].length;
      ranges.push({ start, end });
      if (end === text.length && goesOn === undefined) goesOn = { start, lead: found.index, at: end, rest };
    }
  return { ranges, unfinished: Math.min(unfinished, unfinishedFrom(text, from)), open: goesOn };
}

/** Secrets by their looks in a text that is whole. */
export function knownRanges(text: string): readonly Range[] {
  return HINT.test(text) ? findKnown(text, undefined, true).ranges : [];
}

/** Where the begin of a known form stands at the end of a text, behind a place; the text's length when there is none. */
function unfinishedFrom(text: string, from: number): number {
  const begin = Math.max(from, text.length - LONGEST_BEGIN);
  const tail = text.slice(begin);
  // Most writes are whole lines, and only what authorizes goes on behind the end of a line.
  if (tail.endsWith("\n") && !/authorization/i.test(tail)) return text.length;
  return begin + (BEGINS.exec(tail)?.index ?? tail.length);
}
