import { execFile } from "node:child_process";
import { chmodSync, closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONFIGURATION_FILE, EXAMPLE_FILE } from "../config";
import { gitEnvironment } from "../git";
import type { Variables } from "../terraform";
import type { SetupContext } from "./context";
import { onPath } from "./tools";

type FilesContext = Pick<SetupContext, "directory" | "options" | "environment" | "report">;

/** The user's own files: made from their examples, private where they hold secrets, and kept out of Git. */
export async function prepareFiles(context: FilesContext): Promise<void> {
  prepareConfiguration(context);
  prepareDotenv(context);
  await checkIgnored(context);
}

function prepareConfiguration({ directory, options, report }: FilesContext): void {
  const check = "configuration-file";
  if (exists(join(directory, CONFIGURATION_FILE)))
    report.finding("ok", check, `${CONFIGURATION_FILE} is there`);
  else if (options.check)
    report.finding(
      "missing",
      check,
      `${CONFIGURATION_FILE} is missing`,
      `run ./setup.sh without --check: it makes one from ${EXAMPLE_FILE}`,
    );
  else if (copyExample(directory, CONFIGURATION_FILE, 0o666))
    report.changed(`${CONFIGURATION_FILE} was made from ${EXAMPLE_FILE}: put your own values there`);
  else
    report.finding(
      "missing",
      check,
      `${CONFIGURATION_FILE} can't be made from ${EXAMPLE_FILE}`,
      "see that the example is there and the directory is writable",
    );
}

function prepareDotenv({ directory, options, report }: FilesContext): void {
  const file = join(directory, ".env");
  if (!exists(file)) {
    if (options.check)
      report.finding(
        "warning",
        "dotenv",
        ".env is missing: tokens can only come from the environment",
        "run ./setup.sh without --check: it makes a private one from .env.example",
      );
    else if (copyExample(directory, ".env", 0o600))
      report.changed(".env was made from .env.example, readable by you only (0600): put your tokens there");
    else
      report.finding(
        "missing",
        "dotenv",
        ".env can't be made from .env.example",
        "see that the example is there and the directory is writable",
      );
    return;
  }
  const { mode } = statSync(file);
  if (!isReadableFile(file)) {
    const isFile = statSync(file).isFile();
    report.finding(
      "missing",
      "dotenv",
      isFile
        ? `.env can't be read by you (${inLetters(mode)}), so nothing in it counts`
        : ".env is not a file",
      isFile ? "as its owner: chmod 600 .env" : "make it a text file with lines of the form NAME=value",
    );
    return;
  }
  if ((mode & 0o077) === 0) report.finding("ok", "dotenv", ".env is there, readable by you only");
  else if (!options.check && closed(file))
    report.changed(
      `.env was open to other users (${inLetters(mode)}): it is now readable by you only (0600)`,
    );
  else
    report.finding(
      "missing",
      "dotenv",
      `.env holds tokens and is open to other users (${inLetters(mode)})`,
      "chmod 600 .env",
    );
}

/** As `[ -e FILE ]` sees it: a link that leads nowhere is none. */
function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

function isReadableFile(file: string): boolean {
  try {
    if (!statSync(file).isFile()) return false;
    closeSync(openSync(file, "r"));
    return true;
  } catch {
    return false;
  }
}

function closed(file: string): boolean {
  try {
    chmodSync(file, 0o600);
    return true;
  } catch {
    return false;
  }
}

/** Never overwrites (`wx` opens with O_EXCL, which follows no link), never leaves half a file. */
function copyExample(directory: string, name: string, mode: number): boolean {
  try {
    const text = readFileSync(join(directory, `${name}.example`));
    writeFileSync(join(directory, name), text, { flag: "wx", mode });
    return true;
  } catch {
    return false;
  }
}

/** Rights as `ls -l` writes them. */
function inLetters(mode: number): string {
  const letters = [..."rwxrwxrwx"].map((letter, index) => (mode & (0o400 >> index) ? letter : "-"));
  return `-${letters.join("")}`;
}

/** What must never be committed: a path that stands for the kind, and what it is. */
const PRIVATE_PATHS: ReadonlyArray<readonly [path: string, what: string]> = [
  [".env", "tokens"],
  [".secrets/production/key", "private keys"],
  ["state/production.tfstate", "the Terraform state"],
  ["terraform.tfstate", "the Terraform state"],
  ["cdktf.out/stacks/production-cluster/plan.tfplan", "Terraform plans"],
];

const TRACKED = [".env", ".env.*", ":!.env.example", ".secrets", "state", "*.tfstate", "*.tfplan"];

async function checkIgnored({ directory, environment, report }: FilesContext): Promise<void> {
  if (onPath("git", environment) === undefined) {
    report.finding(
      "unchecked",
      "git-ignored",
      "whether private files are kept out of Git is not checked: git is missing",
    );
    return;
  }
  const git = (...args: readonly string[]) => runGit(args, directory, environment);
  if ((await git("rev-parse", "--is-inside-work-tree")) === undefined) {
    report.finding(
      "warning",
      "git-ignored",
      "this is not a Git repository (or Git refuses it): Flux deploys from Git",
      "clone your copy of the template with git, or run: git init",
    );
    return;
  }
  const ignored = await Promise.all(
    PRIVATE_PATHS.map(([path]) => git("check-ignore", "--quiet", "--no-index", "--", path)),
  );
  const open = PRIVATE_PATHS.filter((_, index) => ignored[index] === undefined);
  const tracked = ((await git("ls-files", "--", ...TRACKED)) ?? "").split("\n").filter((name) => name !== "");
  if (open.length > 0)
    report.finding(
      "missing",
      "git-ignored",
      `not ignored by Git: ${open.map(([path, what]) => `${path.split("/")[0]} (${what})`).join(", ")}`,
      "add these paths to .gitignore",
    );
  if (tracked.length > 0)
    report.finding(
      "missing",
      "git-tracked",
      `tracked by Git although private: ${tracked.join(" ")}`,
      `git rm --cached -- ${tracked.join(" ")}, commit, and replace every token that was ever pushed`,
    );
  if (open.length + tracked.length === 0)
    report.finding("ok", "git-ignored", "tokens, keys, plans and the state are kept out of Git");
}

/** What git prints of the repository that a directory belongs to; undefined when it says no. It asks no server, and gets no token. */
function runGit(args: readonly string[], cwd: string, environment: Variables): Promise<string | undefined> {
  const env = gitEnvironment({ ...environment, GITHUB_TOKEN: undefined } as NodeJS.ProcessEnv);
  return new Promise((resolve) => {
    execFile("git", args, { cwd, env, encoding: "utf8" }, (error, stdout) =>
      resolve(error ? undefined : stdout),
    );
  });
}
