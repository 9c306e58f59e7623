import { execFile } from "node:child_process";
import { ciCredentials } from "./ci-credentials";

/** How a run of git has ended. */
export interface GitRun {
  readonly ok: boolean;
  /** What it printed, without the last line break. */
  readonly output: string;
  /** What went wrong, in git's words and without credentials; empty when nothing did. */
  readonly problem: string;
  /** Git's exit code; absent when it did not run to its end. */
  readonly code?: number;
  /** There is no git on this machine. */
  readonly notInstalled?: boolean;
}

/**
 * Variables that name another repository than the one of the directory that git runs in. Hooks and `git rebase --exec` set them.
 * `git rev-parse --local-env-vars` lists them; those that only hold configuration (GIT_CONFIG_…) stay.
 */
const ANOTHER_REPOSITORY = [
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_PREFIX",
  "GIT_COMMON_DIR",
  "GIT_OBJECT_DIRECTORY",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_NAMESPACE",
  "GIT_SHALLOW_FILE",
  "GIT_IMPLICIT_WORK_TREE",
  "GIT_GRAFT_FILE",
  "GIT_INTERNAL_SUPER_PREFIX",
] as const;

/** Calls of a remote end after this time: a network that swallows packets must not stop a command for minutes. */
export const NETWORK_TIMEOUT_MS = 30_000;

/** Runs git in a directory, always on the repository that the directory belongs to. It never asks for a password. */
export function runGit(
  directory: string,
  args: readonly string[],
  { timeoutMs = 0 }: { readonly timeoutMs?: number } = {},
): Promise<GitRun> {
  return new Promise((resolve) => {
    const options = {
      cwd: directory,
      env: gitEnvironment(),
      timeout: timeoutMs,
      maxBuffer: 2 ** 26,
      encoding: "utf8" as const,
    };
    const child = execFile(
      "git",
      ["-c", "core.quotePath=false", ...args],
      options,
      (error, stdout, stderr) => {
        const output = stdout.replace(/\n$/, "");
        if (error === null) {
          resolve({ ok: true, output, problem: "", code: 0 });
          return;
        }
        const { code, killed } = error;
        const notInstalled = (code as unknown) === "ENOENT";
        const said = (stderr.trim() || stdout.trim()).replace(/^(?:fatal|error): /gm, "");
        resolve({
          ok: false,
          output,
          problem: notInstalled
            ? "git is not installed"
            : killed
              ? `git ${args[0]} did not end within ${timeoutMs / 1000} s`
              : withoutCredentials(said || `git ${args[0]} failed: ${error.message}`),
          ...(typeof code === "number" ? { code } : {}),
          ...(notInstalled ? { notInstalled } : {}),
        });
      },
    );
    child.stdin?.end();
  });
}

/** What git runs with: the environment, changed so that it works on the repository of its directory, in English, asks nothing and writes nothing for a mere look. */
export function gitEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const { LC_ALL, LANGUAGE: _, ...inherited } = environment;
  const env: NodeJS.ProcessEnv = {
    ...inherited,
    // Messages are read, so they have to be English; hooks keep the characters of the user's language.
    ...(LC_ALL ? { LC_CTYPE: LC_ALL } : {}),
    LC_MESSAGES: "C",
    GIT_TERMINAL_PROMPT: "0",
    // A read-only checkout must not be written for a mere status.
    GIT_OPTIONAL_LOCKS: "0",
    ...ciCredentials(environment),
  };
  for (const name of ANOTHER_REPOSITORY) delete env[name];
  return env;
}

/** A text without the name and password that may stand in an address. */
export function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, "//");
}
