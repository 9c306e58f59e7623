import { appendFileSync, closeSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { redactorOfPieces } from "../redaction";
import { LogEntries } from "./log-entry";

const LEVELS = ["TF_LOG", "TF_LOG_CORE", "TF_LOG_PROVIDER"] as const;

/** Where the lines of terraform's debug log go. */
export interface DebugLog {
  /** Returns whether the line is no part of the log, but what terraform says itself: an error, say. */
  readonly line: (line: string) => boolean;
  /** Writes what may have been the begin of a secret: no line follows. */
  readonly end: () => void;
}

/**
 * Where a line of terraform's debug log goes when somebody has asked for one (TF_LOG and its like); undefined when nobody has. terraform
 * never writes the file itself: the lines come through here, without what providers send, receive and hold (LogEntries) and without what is
 * known as a secret, to the file of TF_LOG_PATH (for its owner only) or to stderr.
 * @throws Error when the file can't be opened: better before terraform starts than in the middle of an apply
 */
export function debugLog(env: Readonly<Record<string, string | undefined>>): DebugLog | undefined {
  if (!LEVELS.some((name) => env[name] && env[name]?.toLowerCase() !== "off")) return undefined;
  const path = env.TF_LOG_PATH && resolve(env.TF_LOG_PATH);
  if (path) requireWritable(path);
  const entries = new LogEntries();
  const redactor = redactorOfPieces();
  const append = (text: string): void => {
    const bytes = Buffer.from(text, "latin1");
    if (path && bytes.length > 0) appendFileSync(path, bytes, { mode: 0o600 });
    else if (bytes.length > 0) process.stderr.write(bytes);
  };
  return {
    line: (line) => {
      const { kept, isOwn } = entries.keep(line);
      if (kept !== undefined) append(redactor.push(Buffer.from(`${kept}\n`).toString("latin1")));
      return isOwn;
    },
    end: () => append(redactor.letGo()),
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
