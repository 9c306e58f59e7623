import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { GitHubRepository } from "../config";
import { repositoryAt } from "./followed-repository";

type Repository = Pick<GitHubRepository, "owner" | "repository">;

/** What the remote branch, which Flux reads, has of the files that a deploy writes. */
export type Publication =
  | { readonly state: "published" }
  /** Changed in the checkout and not committed. */
  | { readonly state: "uncommitted"; readonly files: readonly string[] }
  /** Committed, but the remote branch has something else. */
  | { readonly state: "unpushed" }
  /** The remote is not the repository that Flux reads. */
  | { readonly state: "elsewhere"; readonly reason: string; readonly wanted: string }
  | { readonly state: "unknown"; readonly reason: string };

/** What a deploy is made from and what it writes: all of it belongs into Git, and none of it is secret. */
export const PUBLISHED_PATHS = ["infrastructure.config.json", ".sops.yaml", "flux", "secrets"] as const;

/** Where the static configuration keeps the originals of flux/ and its record. */
const BACKUPS = "flux/.backups";
/** What a run keeps there for itself belongs into no commit. */
const KEPT_IN_GIT = /^flux\/\.backups\/(?!\.run\/|\.lock|\.restoring-)(?:.*\.orig|configured\.txt)$/s;

const MESSAGE = "Configure this project";

const FETCH_TIMEOUT_MS = 30_000;

/**
 * Compares the configuration, flux/ and secrets/ of a checkout with the branch of its remote `origin` that Flux reads. Only reads (and
 * fetches).
 * @param github the repository that `origin` has to be; without it any will do
 */
export function checkPublication(directory: string, branch: string, github?: Repository): Publication {
  const git = gitIn(directory);
  if (git("rev-parse", "--is-inside-work-tree") !== "true")
    return { state: "unknown", reason: "this is no Git checkout" };
  // What another repository has says nothing of the one that Flux would follow.
  const reason = github && foreignOrigin(directory, github);
  if (github && reason) return { state: "elsewhere", reason, wanted: addressOf(github) };
  const changed = (git("status", "--porcelain", "--untracked-files=all", "--", ...PUBLISHED_PATHS) ?? "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.slice(2).trim());
  const files = [...changed, ...ignoredOriginals(directory)];
  if (files.length > 0) return { state: "uncommitted", files };
  if (git("remote", "get-url", "origin") === undefined)
    return { state: "unknown", reason: "the checkout has no remote named origin" };
  if (git("fetch", "--quiet", "origin", branch) === undefined)
    return { state: "unknown", reason: `origin/${branch} can't be fetched` };
  const same = PUBLISHED_PATHS.every(
    (path) => git("rev-parse", `HEAD:${path}`) === git("rev-parse", `FETCH_HEAD:${path}`),
  );
  return { state: same ? "published" : "unpushed" };
}

/**
 * Originals and the record of the static configuration that Git ignores, such as by `*.orig` in a global gitignore: `git status`
 * does not show them, and without them no other clone can restore a file or bring it a new value.
 */
function ignoredOriginals(directory: string): string[] {
  const listed = gitIn(directory)(
    "ls-files",
    "-z",
    "--others",
    "--ignored",
    "--exclude-standard",
    "--",
    BACKUPS,
  );
  return (listed ?? "").split("\0").filter((path) => KEPT_IN_GIT.test(path));
}

/** The commands that bring the checkout's configuration, flux/ and secrets/ into the branch that Flux reads. */
export function publishCommands(directory: string, publication: Publication, branch: string): string[] {
  const paths = PUBLISHED_PATHS.filter((path) => existsSync(join(directory, path)));
  const forced = ignoredOriginals(directory).length > 0 ? [`git add -f ${BACKUPS}`] : [];
  const commit = [`git add ${paths.join(" ")}`, ...forced, `git commit -m "${MESSAGE}"`];
  return [
    ...(publication.state === "uncommitted" ? commit : []),
    ...(publication.state === "elsewhere" ? [`git remote set-url origin ${publication.wanted}`] : []),
    `git push origin HEAD:${branch}`,
  ];
}

const addressOf = ({ owner, repository }: Repository): string =>
  `https://github.com/${owner}/${repository}.git`;

/** Why the remote `origin` is not a repository, told by the end of its address (whatever the host); undefined when it is, or isn't set. */
function foreignOrigin(directory: string, { owner, repository }: Repository): string | undefined {
  const git = gitIn(directory);
  const read = git("remote", "get-url", "origin");
  if (read === undefined) return undefined;
  const pushed = git("remote", "get-url", "--push", "--all", "origin")?.split("\n") ?? [];
  const foreign = [read, ...pushed].find((address) => {
    const at = repositoryAt(address);
    return `${at.owner}/${at.repository}`.toLowerCase() !== `${owner}/${repository}`.toLowerCase();
  });
  if (foreign === undefined) return undefined;
  // Without a name and password that may stand in it.
  const shown = foreign.replace(/\/\/[^/@]*@/, "//");
  const which = foreign === read ? "the remote origin is" : "the remote origin pushes to";
  return `${which} ${shown}, and Flux reads ${owner}/${repository}, as "github" in the configuration says`;
}

/**
 * Commits the configuration, flux/ and secrets/ (nothing else) and pushes to the branch.
 * @param github the repository that `origin` has to be; without it any will do
 * @throws Error with what git said, or when `origin` is another repository
 */
export function publish(directory: string, branch: string, github?: Repository): void {
  const reason = github && foreignOrigin(directory, github);
  if (github && reason)
    throw new Error(`Nothing was pushed: ${reason}. git remote set-url origin ${addressOf(github)}`);
  const run = (...args: string[]): void => {
    const result = spawnSync("git", args, {
      cwd: directory,
      encoding: "utf8",
      env: { ...process.env, GIT_TERMINAL_PROMPT: "0" },
    });
    if (result.status !== 0)
      throw new Error(
        `git ${args[0]} failed: ${(result.stderr || result.stdout || String(result.error)).trim()}`,
      );
  };
  const ignored = ignoredOriginals(directory);
  if (ignored.length > 0) run("add", "--force", "--", ...ignored);
  const existing = PUBLISHED_PATHS.filter((path) => gitIn(directory)("status", "--porcelain", "--", path));
  if (existing.length > 0) {
    run("add", "--", ...existing);
    run("commit", "-m", MESSAGE, "--", ...existing);
  }
  run("push", "origin", `HEAD:${branch}`);
}

function gitIn(directory: string): (...args: string[]) => string | undefined {
  return (...args) => {
    const result = spawnSync("git", args, {
      cwd: directory,
      encoding: "utf8",
      timeout: FETCH_TIMEOUT_MS,
      env: { ...process.env, GIT_TERMINAL_PROMPT: "0" },
    });
    return result.status === 0 ? result.stdout.replace(/\n$/, "") : undefined;
  };
}
