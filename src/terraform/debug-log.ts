import { appendFileSync, closeSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { redact } from "../redaction";

const LEVELS = ["TF_LOG", "TF_LOG_CORE", "TF_LOG_PROVIDER"] as const;

/**
 * Where a line of terraform's debug log goes when somebody has asked for one (TF_LOG and its like); undefined when nobody has. Providers
 * write requests with their authorization there, and what they give a cluster, so terraform never writes the file itself: the lines
 * come through here, without secrets, to the file of TF_LOG_PATH (for its owner only) or to stderr.
 * @throws Error when the file can't be opened: better before terraform starts than in the middle of an apply
 */
export function debugLog(
  env: Readonly<Record<string, string | undefined>>,
): ((line: string) => void) | undefined {
  if (!LEVELS.some((name) => env[name] && env[name]?.toLowerCase() !== "off")) return undefined;
  const path = env.TF_LOG_PATH && resolve(env.TF_LOG_PATH);
  if (path) requireWritable(path);
  return (line) => {
    if (path) appendFileSync(path, `${redact(line)}\n`, { mode: 0o600 });
    else process.stderr.write(`${redact(line)}\n`);
  };
}

function requireWritable(path: string): void {
  try {
    closeSync(openSync(path, "a", 0o600));
  } catch (error) {
    throw new Error(
      `TF_LOG_PATH: terraform's log can't be written to ${path} (${(error as Error).message}): name a file in a folder that is there and writable, or unset TF_LOG_PATH and TF_LOG. terraform was not started.`,
      { cause: error },
    );
  }
}
