import { spawn } from "node:child_process";
import { REPOSITORY } from "../../support/example";
import { type CliResult, plainEnvironment } from "../../support/sandbox-project";

/** A command of the project that is under way. */
export interface RunningCommand {
  /** What it has printed so far, both streams. */
  output(): string;
  readonly finished: Promise<CliResult>;
}

/** Starts a command as a user's npm script does, without a terminal. */
export function startCommand(parameters: readonly string[], environment: NodeJS.ProcessEnv): RunningCommand {
  const child = spawn(process.execPath, ["scripts/hybrid-gitops.mjs", ...parameters], {
    cwd: REPOSITORY,
    env: { ...plainEnvironment(), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed = { all: "", stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      printed.all += text;
      printed[stream] += text;
    });
  }
  const finished = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout: printed.stdout, stderr: printed.stderr }));
  });
  return { output: () => printed.all, finished };
}
