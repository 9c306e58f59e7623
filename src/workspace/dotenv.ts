import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { parseEnv } from "node:util";
import { writeWhole } from "../files";
import { shownPath } from "../place";

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
  "Write one variable a line, NAME=value, and a value with blanks, #, quotes or backslashes in single quotes: NAME='value'.";

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
      problem("is neither empty nor a comment nor of the form NAME=value");
      const [name = "", ...value] = line.split("=");
      readings.push([name.trim(), value.join("=").trim()]);
      continue;
    }
    const [before, name = ""] = start;
    const rest = line.slice(before.length);
    const written = rest.trimStart();
    const quote = /^["'`]/.exec(written)?.[0];
    const doubtful = (value: string, what: string): void => {
      problem(what);
      readings.push(...allReadings(value).map((reading) => [name, reading] as const));
    };
    if (quote === undefined) {
      const what = doubtInPlain(rest);
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
    const what = doubtInQuotes(inner, quote, whole.slice(end + 1));
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

/** A value without quotes, up to a comment: a `#` with a blank on both sides. */
function withoutComment(written: string): string {
  return written.replace(/[ \t]+#(?:[ \t].*)?$/, "").trim();
}

/** Why a value without quotes can be read in several ways; undefined when it can't. */
function doubtInPlain(written: string): string | undefined {
  const value = withoutComment(written);
  if (value.includes("#")) return "has a # that may be part of the value or begin a comment";
  if (/[ \t]/.test(value)) return "has blanks in a value without quotes";
  if (/["'`]/.test(value)) return "has a quote within a value without quotes";
  if (value.includes("\\")) return "has a backslash in a value without quotes";
  return controlIn(value);
}

function doubtInQuotes(value: string, quote: string, behind: string): string | undefined {
  if (!BEHIND.test(behind)) return "has more text behind the closing quote";
  // `\n` is a line break in double quotes for everybody but a shell; the others are read in different ways.
  if (quote === '"' && /\\(?!n)/.test(value)) return "has a backslash in double quotes";
  return controlIn(value);
}

function controlIn(value: string): string | undefined {
  return /[\u0000-\u0008\u000b-\u001f\u007f]/.test(value)
    ? "has a control character in its value"
    : undefined;
}

/** The values that a doubtful text may stand for. */
function allReadings(written: string): string[] {
  const text = written.trim();
  const bare = text.replace(/^(["'`])(.*?)\1?$/s, "$2");
  const parts = text
    .split("\n")
    .flatMap((line) => [line, line.split("#")[0] ?? "", ...line.split(/["'`\s]+/)]);
  return [...new Set([text, bare, parseEnv(`A=${text}`).A ?? "", ...parts].map((one) => one.trim()))];
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
  if (!/[\s#"'`\\]/.test(value)) return value;
  const quote = ["'", "`"].find((one) => !value.includes(one));
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
