import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CliResult, cli } from "../../support/sandbox-project";

/** A step of a command, and what happens there. */
export interface Strike {
  /** A function of node:fs/promises, `spawn`, or `apply`: what terraform says in an apply. */
  readonly call: "mkdir" | "open" | "writeFile" | "rename" | "rm" | "spawn" | "apply";
  /** A regular expression for its path, for the program with its words, or for what terraform says. */
  readonly match: string;
  readonly when: "before" | "in" | "after";
  /** `kill` is SIGKILL of the command (with `apply`: of terraform); others are error codes of the system. */
  readonly fault: "kill" | "ENOSPC";
}

/** Runs a command in which a fault strikes (strike-at.cjs), and fails when it didn't. */
export function struck(args: readonly string[], strike: Strike): CliResult {
  const directory = mkdtempSync(join(tmpdir(), "hybrid-gitops-strike-"));
  const file = join(directory, "struck");
  try {
    const result = cli(args, {
      NODE_OPTIONS: `--require ${join(__dirname, "strike-at.cjs")}`,
      STRIKE_AT: JSON.stringify(strike),
      STRUCK_FILE: file,
    });
    if (!existsSync(file))
      throw new Error(`No fault struck at ${JSON.stringify(strike)}:\n${result.stdout}${result.stderr}`);
    return result;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
