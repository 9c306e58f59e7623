import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { REPOSITORY } from "./example";

/** Git without anything of the machine: no configuration but the repository's own, and an author for commits. */
export const GIT_ENVIRONMENT: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:GIT_|CI$)/.test(name))),
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_AUTHOR_NAME: "Test",
  GIT_AUTHOR_EMAIL: "test@test.example",
  GIT_COMMITTER_NAME: "Test",
  GIT_COMMITTER_EMAIL: "test@test.example",
};

/**
 * Runs git in a directory and returns what it prints.
 * @throws Error with what git said
 */
export function git(directory: string, ...args: string[]): string {
  const result = spawnSync("git", args, { cwd: directory, encoding: "utf8", env: GIT_ENVIRONMENT });
  if (result.status !== 0) throw new Error(`git ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trim();
}

/** What is in a checkout and not in Git. */
const UNTRACKED =
  /^(?:\.git|\.sandbox|\.secrets|\.env|\.lock|\.terraform|\.preparing.*|node_modules|dist|state|coverage|cdktf\.out|infrastructure\.config\.json)$/;

/** A copy of the project's own files, as a repository would have them, without Git. */
export function copyProject(target: string): void {
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(REPOSITORY).filter((entry) => !UNTRACKED.test(entry)))
    cpSync(join(REPOSITORY, name), join(target, name), {
      recursive: true,
      filter: (file) => basename(file) !== "node_modules",
    });
}
