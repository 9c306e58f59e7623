import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { parseEnv } from "node:util";
import { writeWhole } from "../files";
import { shownPath } from "../place";

/**
 * The variables of a .env file that have a value; none when there is no file.
 * @throws Error that names the file and, where a line is to blame, its number, never what it says
 */
export function readDotenv(file: string): Record<string, string> {
  const { assignments, unreadable } = scan(readForPeople(file));
  if (unreadable.length > 0)
    throw new Error(
      `${nameOf(file)} can't be read: line ${unreadable.join(", ")} ${unreadable.length === 1 ? "is" : "are"} neither empty nor a comment nor of the form NAME=value. Write each so, with a closing quote for every opening one, or remove it.`,
    );
  return variablesOf(assignments);
}

/** What can be read of a .env file, to conceal it: the command that needs the file says what is wrong with the rest. */
export function readableDotenv(file: string): Record<string, string> {
  try {
    return variablesOf(scan(readText(file)).assignments);
  } catch {
    return {};
  }
}

function variablesOf(assignments: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parseEnv(assignments) as Record<string, string>)
      // Tabs, a byte order mark and a second blank behind `export` stay in the names.
      .map(([name, value]) => [name.replace(/^\s*(?:export\s+)?/, "").trimEnd(), value] as const)
      .filter(([, value]) => value !== ""),
  );
}

const ASSIGNMENT = /^\s*(?:export\s+)?[\w.-]+\s*= *(["'`]?)/;

/**
 * The lines that set something, and the numbers, from 1, of those that say nothing. parseEnv throws nothing: it joins a line without
 * `=`, an indented comment, too, with the next one, and hides the variable of that one as well.
 */
function scan(text: string): { readonly assignments: string; readonly unreadable: readonly number[] } {
  const lines = text.split("\n");
  const assignments: string[] = [];
  const unreadable: number[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    if (/^\s*(?:#|$)/.test(line)) continue;
    const end = endOfAssignment(lines, index);
    if (end === undefined) unreadable.push(index + 1);
    else {
      assignments.push(...lines.slice(index, end + 1));
      index = end;
    }
  }
  return { assignments: assignments.join("\n"), unreadable };
}

/** The index of an assignment's last line, since a quoted value can have several; undefined for what is none. */
function endOfAssignment(lines: readonly string[], start: number): number | undefined {
  const line = lines[start] as string;
  const assignment = ASSIGNMENT.exec(line);
  if (assignment === null) return undefined;
  const [before, quote] = assignment;
  if (!quote || line.includes(quote, before.length)) return start;
  const end = lines.findIndex((other, index) => index > start && other.includes(quote));
  return end < 0 ? undefined : end;
}

/**
 * Sets variables in a .env file that only its owner can read; every other line stays as it is. Whole or not at all.
 * @throws Error when it can't be written
 */
export function setDotenv(file: string, values: Readonly<Record<string, string>>): void {
  try {
    writeWhole(file, withVariables(readText(file), values), { mode: 0o600 });
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
  for (const [name, value] of Object.entries(values)) {
    const line = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=.*$`, "m");
    const set = `${name}=${value}`;
    if (line.test(result)) result = result.replace(line, () => set);
    else result = `${result}${result === "" || result.endsWith("\n") ? "" : "\n"}${set}\n`;
  }
  return result;
}

function readForPeople(file: string): string {
  try {
    return readText(file);
  } catch (error) {
    throw new Error(
      `${nameOf(file)} can't be read (${(error as Error).message}): make it a file that you can read`,
    );
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
