import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { parseEnv } from "node:util";
import { writeWhole } from "../files";
import { shownPath } from "../place";
import { characterName, characterNumber } from "./characters";

/** What is wrong with one line of a .env file. Never holds what the line says. */
export interface DotenvProblem {
  /** From 1. */
  readonly line: number;
  readonly problem: string;
}

/** Thrown for a .env file that has doubtful lines: all of them at once, by number. */
export class DotenvError extends Error {
  constructor(
    readonly file: string,
    readonly problems: readonly DotenvProblem[],
  ) {
    super(
      [
        `${file} can't be read:`,
        ...problems.map(({ line, problem }) => `  line ${line} ${problem}`),
        DOTENV_FIX,
      ].join("\n"),
    );
    this.name = "DotenvError";
  }
}

/** How a value is written that programs would read in different ways otherwise. */
export const DOTENV_FIX =
  "Write one variable a line, NAME=value, without blanks around the =. Put a value with blanks, #, quotes, backslashes or any of $ & ; | < > ( ) ~ in single quotes: NAME='value'. Delete characters that can't be seen, and type quotes that are straight.";

/**
 * The variables of a .env file that have a value; none when there is no file.
 * @throws DotenvError for lines that programs would read in different ways; Error when the file can't be read or is no UTF-8 text
 */
export function readDotenv(file: string): Record<string, string> {
  const { assignments, problems } = scan(readForPeople(file));
  if (problems.length > 0) throw new DotenvError(nameOf(file), problems);
  return Object.fromEntries(
    assignments.flatMap(({ name, value }) => (value === "" ? [] : [[name, value] as const])),
  );
}

/** The variables of the lines without any doubt, for checks that go on in spite of the others. */
export function clearDotenv(file: string): Record<string, string> {
  try {
    const { assignments, problems } = scan(decode(readBytes(file), false));
    const doubtful = problems.map(({ line }) => line - 1);
    return Object.fromEntries(
      assignments.flatMap(({ name, value, first }) =>
        value === "" || doubtful.includes(first) ? [] : [[name, value] as const],
      ),
    );
  } catch {
    return {};
  }
}

/**
 * Everything that the lines of a .env file may mean, to conceal it, doubtful ones included: the command that needs the file says what is
 * wrong with them.
 */
export function dotenvReadings(file: string): Array<readonly [name: string, value: string]> {
  try {
    return scan(decode(readBytes(file), true)).readings.filter(([, value]) => value !== "");
  } catch {
    return [];
  }
}

/**
 * Whether a .env file may have a value for a variable that can't be used: a doubtful line has its name, or the file can't be read at all.
 * Such a variable is not "not set".
 */
export function dotenvMayHold(file: string, name: string): boolean {
  try {
    const text = decode(readBytes(file), false);
    const lines = text.split("\n");
    return scan(text).problems.some(({ line }) =>
      new RegExp(`\\b${name}\\b`).test(lines[line - 1] as string),
    );
  } catch {
    return true;
  }
}

interface Assignment {
  readonly name: string;
  readonly value: string;
  /** Indexes of its first and last line. */
  readonly first: number;
  readonly last: number;
}

interface Scan {
  readonly assignments: readonly Assignment[];
  readonly problems: readonly DotenvProblem[];
  readonly readings: ReadonlyArray<readonly [name: string, value: string]>;
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=/;
/** Spaces but those of the keyboard, and what has no shape: in a value they are there by mistake. */
const UNSEEN = /[^\P{Z} ]|[^\P{C}\t]|\p{Default_Ignorable_Code_Point}|\u2800/u;
/** What word processors make of quotes. They quote nothing. */
const CURLY = /[\u2018-\u201f\u2039\u203a\u00ab\u00bb\u2032\u2033\u00b4\uff02\uff07]/;
/** But for tabs and line breaks. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;
/** What a shell doesn't take as it stands: it expands, separates or redirects. */
const SHELL = /[$;&|<>()]|(?<=^|:)~/;
/** What may stand behind a value. Without a blank on both sides of it, a `#` may be part of a password. */
const BEHIND = /^[ \t]*$|^[ \t]+#(?:[ \t].*)?$/;

/**
 * Goes through the lines of a file. Only what all readers of .env files read in the same way is an assignment; parseEnv then takes its
 * value. parseEnv itself throws nothing: it cuts a value at a `#`, and joins a line without `=` with the next one.
 */
function scan(text: string): Scan {
  const lines = text.split("\n");
  const assignments: Assignment[] = [];
  const problems: DotenvProblem[] = [];
  const readings: Array<readonly [string, string]> = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    if (/^[ \t]*(?:#|$)/.test(line)) continue;
    const problem = (what: string): void => void problems.push({ line: index + 1, problem: what });
    const start = ASSIGNMENT.exec(line);
    if (start === null) {
      problem(doubtInName(line));
      const [name = "", ...value] = line.split("=");
      const meant = withoutUnseen(name)
        .replace(/^\s*export\s+/, "")
        .trim();
      readings.push(...allReadings(value.join("=")).map((reading) => [meant, reading] as const));
      continue;
    }
    const [before, name = ""] = start;
    const rest = line.slice(before.length);
    const written = rest.replace(/^[ \t]+/, "");
    const quote = /^["'`]/.exec(written)?.[0];
    const doubtful = (value: string, what: string): void => {
      problem(what);
      readings.push(...allReadings(value).map((reading) => [name, reading] as const));
    };
    const blank = blankBeside(before, rest);
    if (quote === undefined) {
      const what = blank ?? doubtInPlain(rest, before);
      if (what !== undefined) doubtful(rest, what);
      else take(withoutComment(rest), index);
      continue;
    }
    const last = lines.findIndex((other, at) =>
      at === index ? written.indexOf(quote, 1) > 0 : at > index && other.includes(quote),
    );
    if (last < 0) {
      doubtful(written, `begins a value with ${quote} and no line ends it`);
      continue;
    }
    const whole = [written, ...lines.slice(index + 1, last + 1)].join("\n");
    const end = whole.indexOf(quote, 1);
    const inner = whole.slice(1, end);
    const what = blank ?? doubtInQuotes(inner, quote, whole.slice(end + 1));
    if (what !== undefined) doubtful(whole, what);
    else take(whole.slice(0, end + 1), last);
    index = last;

    function take(raw: string, at: number): void {
      const value = parseEnv(`${name}=${raw}`)[name] ?? "";
      readings.push([name, value]);
      const earlier = assignments.find((one) => one.name === name && one.value !== "");
      if (earlier !== undefined && earlier.value !== value)
        problems.push({
          line: index + 1,
          problem: `gives a variable another value than line ${earlier.first + 1} does`,
        });
      assignments.push({ name, value, first: index, last: at });
    }
  }
  return { assignments, problems, readings };
}

/** A value without quotes, up to a comment: a `#` with a blank on both sides. Only blanks of the keyboard are left out around it. */
function withoutComment(written: string): string {
  return written.replace(/[ \t]+#(?:[ \t].*)?$/, "").replace(/^[ \t]+|[ \t]+$/g, "");
}

/** Why a line is no assignment. */
function doubtInName(line: string): string {
  const name = line.split("=", 1)[0] as string;
  const strange = UNSEEN.exec(name) ?? CURLY.exec(name);
  return strange === null
    ? "is neither empty nor a comment nor of the form NAME=value"
    : numbered(`has ${characterName(strange[0])}`, line, strange.index);
}

/** A shell takes a name with a blank behind it, and a value with one before it, for commands. */
function blankBeside(before: string, rest: string): string | undefined {
  const behindName = before.search(/[ \t]+=$/);
  if (behindName >= 0) return numbered("has a blank before the =", before, behindName);
  return /^[ \t]/.test(rest) && withoutComment(rest) !== ""
    ? numbered("has a blank after the =", before, before.length)
    : undefined;
}

/** What is wrong, with the number of the character in its line. */
const numbered = (what: string, line: string, index: number): string =>
  `${what} (character ${characterNumber(line, index)})`;

/** What makes a value without quotes doubtful, the first that is found. */
const DOUBTS: ReadonlyArray<readonly [sign: RegExp, what: (sign: string) => string]> = [
  [CONTROL, () => "has a control character in its value"],
  [CURLY, (sign) => `has ${characterName(sign)} in a value without quotes`],
  [UNSEEN, (sign) => `has ${characterName(sign)} in a value without quotes`],
  [/#/, () => "has a # that may be part of the value or begin a comment"],
  [/[ \t]/, () => "has blanks in a value without quotes"],
  [/["'`]/, () => "has a quote within a value without quotes"],
  [/\\/, () => "has a backslash in a value without quotes"],
  [SHELL, (sign) => `has a ${sign} in a value without quotes, which a shell doesn't take as it stands`],
];

/**
 * Why a value without quotes can be read in several ways; undefined when it can't.
 * @param before what stands before it in its line
 */
function doubtInPlain(written: string, before = ""): string | undefined {
  const value = withoutComment(written);
  for (const [sign, what] of DOUBTS) {
    const found = sign.exec(value);
    if (found !== null) return numbered(what(found[0]), before + value, before.length + found.index);
  }
  return undefined;
}

function doubtInQuotes(value: string, quote: string, behind: string): string | undefined {
  if (!BEHIND.test(behind)) return "has more text behind the closing quote";
  // `\n` is a line break in double quotes for everybody but a shell; the others are read in different ways.
  if (quote === '"' && /\\(?!n)/.test(value)) return "has a backslash in double quotes";
  const expanded = quote === '"' ? /[$`]/.exec(value)?.[0] : undefined;
  if (expanded !== undefined)
    return `has a ${expanded} in double quotes, which a shell doesn't take as it stands`;
  return controlIn(value);
}

function controlIn(value: string): string | undefined {
  return CONTROL.test(value) ? "has a control character in its value" : undefined;
}

const withoutUnseen = (text: string): string => text.replace(new RegExp(UNSEEN, "gu"), "");

/** The values that a doubtful text may stand for. */
function allReadings(written: string): string[] {
  const text = written.trim();
  const bare = text.replace(/^(["'`])(.*?)\1?$/s, "$2");
  const seen = withoutUnseen(text).replace(new RegExp(`^${CURLY.source}|${CURLY.source}$`, "g"), "");
  const parts = text
    .split("\n")
    .flatMap((line) => [line, line.split("#")[0] ?? "", ...line.split(/["'`\s]+/)]);
  return [...new Set([text, bare, seen, parseEnv(`A=${text}`).A ?? "", ...parts].map((one) => one.trim()))];
}

/**
 * Sets variables in a .env file that only its owner can read; every other line stays as it is. Whole or not at all.
 * @throws Error when it can't be written
 */
export function setDotenv(file: string, values: Readonly<Record<string, string>>): void {
  try {
    writeWhole(file, withVariables(readBytes(file).toString("utf8"), values), { mode: 0o600 });
  } catch (error) {
    throw new Error(`${nameOf(file)} can't be written (${(error as Error).message})`);
  }
}

/** What people know the file as. */
function nameOf(file: string): string {
  return shownPath(dirname(file), basename(file));
}

function withVariables(text: string, values: Readonly<Record<string, string>>): string {
  let result = text;
  for (const [name, value] of Object.entries(values)) result = withVariable(result, name, value);
  return result;
}

/** Replaces the first assignment of a variable, whatever number of lines it has, and removes any other. */
function withVariable(text: string, name: string, value: string): string {
  const set = `${name}=${inQuotes(value)}`;
  const mark = text.startsWith(MARK) ? MARK : "";
  const lines = text.slice(mark.length).split("\n");
  const known = scan(lines.map((line) => line.replace(/\r$/, "")).join("\n")).assignments.filter(
    (one) => one.name === name,
  );
  if (known.length === 0) {
    const end = text === "" || text.endsWith("\n") ? "" : "\n";
    return `${text}${end}${set}\n`;
  }
  for (const [at, { first, last }] of [...known.entries()].reverse()) {
    const end = lines[last]?.endsWith("\r") ? "\r" : "";
    lines.splice(first, last - first + 1, ...(at === 0 ? [`${set}${end}`] : []));
  }
  return mark + lines.join("\n");
}

/** A value as it is read back; most tokens need no quotes. */
function inQuotes(value: string): string {
  if (controlIn(value) !== undefined) throw new Error("the value has a control character");
  if (withoutComment(value) === value && doubtInPlain(value) === undefined) return value;
  const quote = ["'", '"', "`"].find(
    // `\n` is a line break in double quotes.
    (one) => !(value.includes(one) || (one === '"' && /[$`\\]/.test(value))),
  );
  if (quote === undefined) throw new Error("the value has quotes of both kinds, which no line can hold");
  return `${quote}${value}${quote}`;
}

function readForPeople(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readBytes(file);
  } catch (error) {
    throw new Error(
      `${nameOf(file)} can't be read (${(error as Error).message}): make it a file that you can read`,
    );
  }
  try {
    return decode(bytes, false);
  } catch (error) {
    throw new Error(`${nameOf(file)} can't be read: ${(error as Error).message}. Save it as UTF-8 text.`);
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}

/** What some editors, Windows' among them, begin a file with. */
const MARK = "\ufeff";

/**
 * The text of a file, without a byte order mark and with the line ends of Unix.
 * @param anyway as far as it can be read, for redaction: UTF-16 is decoded as well
 * @throws Error for what is no UTF-8 text
 */
function decode(bytes: Buffer, anyway: boolean): string {
  const utf16 = [0xfffe, 0xfeff].includes(bytes.length > 1 ? bytes.readUInt16BE(0) : 0);
  const zeros = bytes.includes(0);
  if (!anyway && utf16) throw new Error("it is UTF-16");
  if (!anyway && zeros) throw new Error("it has NUL bytes, as UTF-16 and binary files do");
  const encoding = zeros || utf16 ? encodingOf(bytes) : "utf-8";
  const text = new TextDecoder(encoding, { fatal: !anyway, ignoreBOM: false });
  try {
    return text.decode(bytes).replace(/\r\n/g, "\n").replace(/\r$/, "");
  } catch {
    throw new Error("it is not UTF-8");
  }
}

function encodingOf(bytes: Buffer): string {
  return bytes[0] === 0xfe || bytes[0] === 0 ? "utf-16be" : "utf-16le";
}
