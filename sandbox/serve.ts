import { parseArgs } from "node:util";
import { startSandbox } from "./index";

const DEFAULT_DIRECTORY = ".sandbox/clouds";

const USAGE = `Usage: serve [--directory <folder>] [--json]

Serves the sandbox until SIGINT or SIGTERM. Prints the environment for terraform:
as export lines for a shell, or as one line of JSON with --json.

  --directory  the folder of the clouds' files (default: ${DEFAULT_DIRECTORY})
`;

/** A value as a shell takes it, whatever is in it. */
const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;

function options(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      directory: { type: "string", default: DEFAULT_DIRECTORY },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  return values;
}

/**
 * Runs the sandbox by itself: prints its environment and serves until SIGINT or SIGTERM. A `crash` fault ends the
 * process with exit code 1, as the death of a provider's process would.
 *
 * @returns the exit code.
 */
export async function main(args: readonly string[] = process.argv.slice(2)): Promise<number> {
  let values: ReturnType<typeof options>;
  try {
    values = options(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return 1;
  }
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const sandbox = await startSandbox({
    directory: values.directory,
    onCrash: () => process.exit(1),
    log: (message) => process.stderr.write(`sandbox: ${message}\n`),
  });
  const lines = values.json
    ? JSON.stringify(sandbox.env)
    : Object.entries(sandbox.env)
        .map(([name, value]) => `export ${name}=${quoted(value)}`)
        .join("\n");
  // Whoever reads the lines may end the sandbox at once.
  const ended = new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  process.stdout.write(`${lines}\n`);
  await ended;
  await sandbox.close();
  return 0;
}
