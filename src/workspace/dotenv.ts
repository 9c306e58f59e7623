import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";

/** The variables of a .env file that have a value; none when there is no file. */
export function readDotenv(file: string): Record<string, string> {
  try {
    const variables = parseEnv(readFileSync(file, "utf8")) as Record<string, string>;
    return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new Error(
      `.env can't be read (${(error as Error).message}): it needs lines of the form NAME=value`,
    );
  }
}
