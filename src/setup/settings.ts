import { join } from "node:path";
import { actionsSecretName } from "../secrets/tokens";
import type { Variables } from "../terraform";
import { clearDotenv, DOTENV_FIX, DotenvError, dotenvMayHold, readDotenv } from "../workspace";
import type { SetupContext } from "./context";

/** The variables of the environment, then those of .env: what every command works with. */
export function readSettings(directory: string, environment: Variables): Variables {
  const set = Object.entries(environment).filter(([, value]) => value);
  return { ...clearDotenv(join(directory, ".env")), ...Object.fromEntries(set) };
}

/** A variable that is set. */
export interface Setting {
  readonly name: string;
  readonly value: string;
}

/** The first of some variables that is set. */
export function settingOf(settings: Variables, ...names: readonly string[]): Setting | undefined {
  for (const name of names) {
    const value = settings[name];
    if (value) return { name, value };
  }
  return undefined;
}

/** A variable under its own name and under that of each environment: `STAGING_DIGITALOCEAN_TOKEN`. */
export function settingsOf(settings: Variables, environments: readonly string[], name: string): Setting[] {
  return [name, ...environments.map((environment) => actionsSecretName(environment, name))].flatMap(
    (one) => settingOf(settings, one) ?? [],
  );
}

/** Whether .env may have a value for a variable that can't be read there, which is reported as what it is: then it is not "not set". */
export function isUnreadable({ directory }: Pick<SetupContext, "directory">, name: string): boolean {
  return dotenvMayHold(join(directory, ".env"), name);
}

/** Whether every line of .env can be used: values may be missing otherwise because their lines can't be read. */
export function isDotenvSound({ directory }: Pick<SetupContext, "directory">): boolean {
  try {
    readDotenv(join(directory, ".env"));
    return true;
  } catch {
    return false;
  }
}

/** Looks at .env as every command reads it, and at what the environment hides of it. */
export function checkDotenv({
  directory,
  environment,
  report,
}: Pick<SetupContext, "directory" | "environment" | "report">): void {
  const file = join(directory, ".env");
  try {
    readDotenv(file);
  } catch (error) {
    if (error instanceof DotenvError) {
      const lines = error.problems.map(({ line, problem }) => `line ${line} ${problem}`);
      report.finding("missing", "dotenv-lines", [".env can't be read:", ...lines].join("\n"), DOTENV_FIX);
    } else if (!/EISDIR|EACCES|EPERM/.test((error as Error).message)) {
      // A folder, or a file of another user, was reported as `dotenv` already.
      report.finding("missing", "dotenv-lines", (error as Error).message, DOTENV_FIX);
    }
  }
  const hidden = Object.entries(clearDotenv(file)).flatMap(([name, value]) =>
    environment[name] && environment[name] !== value ? [name] : [],
  );
  if (hidden.length > 0)
    report.finding(
      "warning",
      "dotenv-overridden",
      `the environment has other values than .env, and wins: ${hidden.join(", ")}`,
      "unset them in the environment (or in the file that your shell reads at its start) to use those in .env",
    );
}
