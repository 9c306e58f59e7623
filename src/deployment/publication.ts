import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** What the remote branch, which Flux reads, has of the files that a deploy writes. */
export type Publication =
  | { readonly state: "published" }
  /** Changed in the checkout and not committed. */
  | { readonly state: "uncommitted"; readonly files: readonly string[] }
  /** Committed, but the remote branch has something else. */
  | { readonly state: "unpushed" }
  | { readonly state: "unknown"; readonly reason: string };

/** What a deploy is made from and what it writes: all of it belongs into Git, and none of it is secret. */
export const PUBLISHED_PATHS = ["infrastructure.config.json", ".sops.yaml", "flux", "secrets"] as const;

const MESSAGE = "Configure this project";

const FETCH_TIMEOUT_MS = 30_000;

/** Compares the configuration, flux/ and secrets/ of a checkout with a branch of its remote `origin`. Only reads (and fetches). */
export function checkPublication(directory: string, branch: string): Publication {
  const git = gitIn(directory);
  if (git("rev-parse", "--is-inside-work-tree") !== "true")
    return { state: "unknown", reason: "this is no Git checkout" };
  const files = (git("status", "--porcelain", "--untracked-files=all", "--", ...PUBLISHED_PATHS) ?? "")
    .split("\n")
    .filter((line) => line !== "");
  if (files.length > 0) return { state: "uncommitted", files: files.map((line) => line.slice(2).trim()) };
  if (git("remote", "get-url", "origin") === undefined)
    return { state: "unknown", reason: "the checkout has no remote named origin" };
  if (git("fetch", "--quiet", "origin", branch) === undefined)
    return { state: "unknown", reason: `origin/${branch} can't be fetched` };
  const same = PUBLISHED_PATHS.every(
    (path) => git("rev-parse", `HEAD:${path}`) === git("rev-parse", `FETCH_HEAD:${path}`),
  );
  return { state: same ? "published" : "unpushed" };
}

/** The commands that bring the checkout's configuration, flux/ and secrets/ into the branch that Flux reads. */
export function publishCommands(directory: string, publication: Publication, branch: string): string[] {
  const paths = PUBLISHED_PATHS.filter((path) => existsSync(join(directory, path)));
  const commit = [`git add ${paths.join(" ")}`, `git commit -m "${MESSAGE}"`];
  return [...(publication.state === "uncommitted" ? commit : []), `git push origin HEAD:${branch}`];
}

/**
 * Commits the configuration, flux/ and secrets/ (nothing else) and pushes to the branch.
 * @throws Error with what git said
 */
export function publish(directory: string, branch: string): void {
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
