import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { parseEnv } from "node:util";
import { writeWhole } from "../files";
import { shownPath } from "../place";

/** The variables of a .env file that have a value; none when there is no file. */
export function readDotenv(file: string): Record<string, string> {
  try {
    const variables = parseEnv(readFileSync(file, "utf8")) as Record<string, string>;
    return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new Error(
      `${nameOf(file)} can't be read (${(error as Error).message}): it needs lines of the form NAME=value`,
    );
  }
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

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
