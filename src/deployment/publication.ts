import { existsSync } from "node:fs";
import { join } from "node:path";
import { runGit } from "../git";
import type { Variables } from "../terraform";
import { fetchBranch, followedRemote, type Obstacle, type Repository } from "./followed-branch";

/** What the remote branch, which Flux reads, has of the files that a deploy writes. */
export type Publication =
  | { readonly state: "published" }
  /** Changed in the checkout and not committed. */
  | {
      readonly state: "uncommitted";
      readonly files: readonly string[];
      /** Those of the files that Git ignores, so that only `git add --force` takes them. */
      readonly ignored?: readonly string[];
      readonly remote: string;
    }
  /** Committed, but the remote branch has something else. */
  | { readonly state: "unpushed"; readonly remote: string }
  | Exclude<Obstacle, { readonly state: "none" }>;

/** What a deploy is made from and what it writes: all of it belongs into Git, and none of it is secret. */
export const PUBLISHED_PATHS = ["infrastructure.config.json", ".sops.yaml", "flux", "secrets"] as const;

/** Where the static configuration keeps the originals of flux/ and its record. */
const BACKUPS = "flux/.backups";
/** What a run keeps there for itself belongs into no commit. */
const KEPT_IN_GIT = /^flux\/\.backups\/(?!\.run\/|\.lock|\.restoring-)(?:.*\.orig|configured\.txt)$/s;

const MESSAGE = "Configure this project";

/**
 * Compares the configuration, flux/ and secrets/ of a checkout with the remote branch that Flux reads. Only reads (and fetches).
 * What can't be compared never counts as published.
 * @param github the repository that a remote has to be; without it any will do
 * @param variables have the address of GitHub; default: github.com
 */
export async function checkPublication(
  directory: string,
  branch: string,
  github?: Repository,
  variables: Variables = {},
): Promise<Publication> {
  const followed = await followedRemote(directory, github, variables);
  if (followed.state === "none") return { ...followed, state: "unknown" };
  if (followed.state !== "found") return followed;
  const { remote } = followed;
  const unseen = await unseenFiles(directory);
  if (unseen !== undefined) return { state: "unknown", ...unseen };
  const { changed, ignored } = await unpublishable(directory);
  if (changed.length + ignored.length > 0)
    return {
      state: "uncommitted",
      files: [...changed, ...ignored],
      ...(ignored.length > 0 ? { ignored } : {}),
      remote,
    };
  const tip = await fetchBranch(directory, remote, branch);
  if (tip.state === "unknown" || tip.state === "unreachable") return { ...tip, state: "unknown" };
  if (tip.state === "missing") return { state: "unpushed", remote };
  return (await hasAll(directory, tip.commit)) ? { state: "published" } : { state: "unpushed", remote };
}

/** Why `git status` does not tell what has changed: it fails, or somebody has told Git to look away. */
async function unseenFiles(
  directory: string,
): Promise<{ readonly reason: string; readonly fix: string } | undefined> {
  const [listed, sparse] = await Promise.all([
    runGit(directory, ["ls-files", "-v", "-z", "--", ...PUBLISHED_PATHS]),
    runGit(directory, ["config", "--type=bool", "core.sparseCheckout"]),
  ]);
  if (!listed.ok)
    return {
      reason: `git can't compare the files of this checkout: ${listed.problem.split("\n")[0]}`,
      fix: "repair it, or clone the repository again",
    };
  // Small letters: assumed unchanged.
  const unseen = entriesOf(listed.output).filter((entry) => /^[a-zS] /.test(entry));
  if (unseen.length === 0) return undefined;
  const [isSkipped, others] = [unseen[0]?.startsWith("S"), unseen.map((entry) => entry.slice(2))];
  const reason = `Git does not look at ${someOf(others)}`;
  if (isSkipped && sparse.output === "true")
    return { reason: `${reason}: this is a sparse checkout`, fix: "git sparse-checkout disable" };
  const mark = isSkipped ? "skip-worktree" : "assume-unchanged";
  return {
    reason: `${reason}, marked as ${mark}`,
    fix: `git ls-files -z ${PUBLISHED_PATHS.join(" ")} | git update-index --no-${mark} -z --stdin`,
  };
}

/** Files that no push can bring to Flux as they are: changed and not committed, or ignored by Git. */
async function unpublishable(
  directory: string,
): Promise<{ readonly changed: readonly string[]; readonly ignored: readonly string[] }> {
  const [status, committed, originals] = await Promise.all([
    runGit(directory, [
      "status",
      "--porcelain",
      "-z",
      "--no-renames",
      "--untracked-files=all",
      "--",
      ...PUBLISHED_PATHS,
    ]),
    objectsIn(directory, "HEAD"),
    ignoredOriginals(directory),
  ]);
  const changed = entriesOf(status.output).map((entry) => entry.slice(3));
  // An untracked folder is listed with its files.
  const isListed = (path: string) => changed.some((name) => name === path || name.startsWith(`${path}/`));
  const ignored = PUBLISHED_PATHS.filter(
    (path) => existsSync(join(directory, path)) && !committed?.has(path) && !isListed(path),
  );
  return { changed, ignored: [...ignored, ...originals] };
}

/**
 * Originals and the record of the static configuration that Git ignores, such as by `*.orig` in a global gitignore: `git status`
 * does not show them, and without them no other clone can restore a file or bring it a new value.
 */
async function ignoredOriginals(directory: string): Promise<string[]> {
  const listed = await runGit(directory, [
    "ls-files",
    "-z",
    "--others",
    "--ignored",
    "--exclude-standard",
    "--",
    BACKUPS,
  ]);
  return entriesOf(listed.output).filter((path) => KEPT_IN_GIT.test(path));
}

/** What git lists with `-z`. */
const entriesOf = (output: string): string[] => output.split("\0").filter((entry) => entry !== "");

/** Whether a commit of the remote has what this checkout has: all its commits, or the same files. */
async function hasAll(directory: string, commit: string): Promise<boolean> {
  const here = await objectsIn(directory, "HEAD");
  // What isn't known, or isn't there, is not the same.
  if (!here?.has("flux")) return false;
  // Flux's own bootstrap commits to the branch, too, so that a deploy of a second environment is behind the first one's.
  if ((await runGit(directory, ["merge-base", "--is-ancestor", "HEAD", commit])).ok) return true;
  const there = await objectsIn(directory, commit);
  if (there === undefined) return false;
  return PUBLISHED_PATHS.every((path) => here.get(path) === there.get(path));
}

/** What a commit has of the published paths, each with its content's id; undefined when it can't be read. */
async function objectsIn(
  directory: string,
  commit: string,
): Promise<ReadonlyMap<string, string> | undefined> {
  const listed = await runGit(directory, ["ls-tree", "-z", "--full-tree", commit, "--", ...PUBLISHED_PATHS]);
  if (!listed.ok) return undefined;
  return new Map(
    entriesOf(listed.output).map((entry) => [...entry.split("\t")].reverse() as [string, string]),
  );
}

/** The commands that bring the checkout's configuration, flux/ and secrets/ into the branch that Flux reads. */
export function publishCommands(directory: string, publication: Publication, branch: string): string[] {
  const ignored = ("ignored" in publication && publication.ignored) || [];
  const paths = PUBLISHED_PATHS.filter(
    (path) => existsSync(join(directory, path)) && !ignored.includes(path),
  );
  // Originals are many, and all in one folder.
  const forced = [...new Set(ignored.map((path) => (path.startsWith(`${BACKUPS}/`) ? BACKUPS : path)))];
  const commit = [
    ...(paths.length > 0 ? [`git add ${paths.join(" ")}`] : []),
    ...(forced.length > 0 ? [`git add -f ${forced.join(" ")}`] : []),
    `git commit -m "${MESSAGE}"`,
  ];
  const remote = "remote" in publication ? publication.remote : "origin";
  return [
    ...(publication.state === "uncommitted" ? commit : []),
    ...(publication.state === "elsewhere" ? [publication.fix] : []),
    `git push ${remote} HEAD:${branch}`,
  ];
}

/** Why Flux doesn't have what is in the checkout, and what brings it there, a line each. */
export function explainPublication(
  directory: string,
  publication: Exclude<Publication, { readonly state: "published" }>,
  branch: string,
): string[] {
  const commands = publishCommands(directory, publication, branch).map((line) => `  ${line}`);
  const intro = "Flux reads Git, not this checkout";
  switch (publication.state) {
    case "uncommitted":
      return [
        `${intro}, and these files of the configuration, flux/ or secrets/ are not committed: ${someOf(publication.files)}. Next (or deploy with --push):`,
        ...commands,
      ];
    case "unpushed":
      return [
        `${intro}, and ${publication.remote}/${branch} doesn't have this checkout's configuration, flux/ and secrets/ yet. Next (or deploy with --push):`,
        ...commands,
      ];
    case "elsewhere":
      return [`${intro}, and ${publication.reason}. Next:`, ...commands];
    case "subfolder":
      return [`${intro}, and ${publication.reason}. Fix: ${publication.fix}.`];
    case "unknown":
      return [
        `${intro}, and it is not known whether the remote has flux/ and secrets/: ${publication.reason}. Fix: ${publication.fix}. Next:`,
        ...commands,
      ];
  }
}

/** How many files are named before the rest is only counted. */
const NAMED_FILES = 5;

function someOf(files: readonly string[]): string {
  const more = files.length - NAMED_FILES;
  return `${files.slice(0, NAMED_FILES).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/**
 * The remote that {@link publish} would push to.
 * @throws Error with what keeps it from that, and the fix
 */
export async function requirePublishable(
  directory: string,
  github?: Repository,
  variables: Variables = {},
): Promise<string> {
  const followed = await followedRemote(directory, github, variables);
  if (followed.state === "found") return followed.remote;
  throw new Error(`Nothing was pushed: ${followed.reason}. Fix: ${followed.fix}`);
}

/**
 * Commits the configuration, flux/ and secrets/ (nothing else) and pushes to the branch.
 * @param github the repository that a remote has to be; without it any will do
 * @param variables have the address of GitHub; default: github.com
 * @throws Error with what git said, or when no remote is that repository
 */
export async function publish(
  directory: string,
  branch: string,
  github?: Repository,
  variables: Variables = {},
): Promise<void> {
  const remote = await requirePublishable(directory, github, variables);
  const run = async (...args: string[]): Promise<void> => {
    const { ok, problem } = await runGit(directory, args);
    if (!ok) throw new Error(`git ${args[0]} failed: ${problem}`);
  };
  const { ignored } = await unpublishable(directory);
  if (ignored.length > 0) await run("add", "--force", "--", ...ignored);
  const existing: string[] = [];
  for (const path of PUBLISHED_PATHS)
    if ((await runGit(directory, ["status", "--porcelain", "--", path])).output !== "") existing.push(path);
  if (existing.length > 0) {
    await run("add", "--", ...existing);
    await run("commit", "-m", MESSAGE, "--", ...existing);
  }
  await run("push", remote, `HEAD:refs/heads/${branch}`);
}
