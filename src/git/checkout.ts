import { existsSync } from "node:fs";
import { join } from "node:path";
import { runGit } from "./run-git";

/** A directory in a repository that git can read. */
export interface GitCheckout {
  readonly kind: "checkout";
  /** Where the directory lies in its repository, with a slash at the end: `platform/`; empty at the root. */
  readonly prefix: string;
  /** Not all of the history is here. */
  readonly shallow: boolean;
  /** Absent on a detached HEAD. */
  readonly branch?: string;
  /** Absent before the first commit. */
  readonly commit?: string;
}

/** Why git knows nothing of a directory, or can't say. */
export interface NoCheckout {
  /** `none`: no repository has it (a zip, say). `unusable`: there may be one, and git can't read it. */
  readonly kind: "none" | "unusable";
  readonly problem: string;
  readonly fix: string;
}

export type Checkout = GitCheckout | NoCheckout;

const CLONE_FIX =
  "clone the project's repository with git and work there (copy state/, .env and .secrets/ into the clone)";

/** Looks what a directory is to Git: a checkout, a subfolder of one, none, or one that git can't or won't read. */
export async function describeCheckout(directory: string): Promise<Checkout> {
  const run = await runGit(directory, [
    "rev-parse",
    "--is-inside-work-tree",
    "--is-shallow-repository",
    "--show-prefix",
  ]);
  // A folder's name may have line ends, too.
  const [inside, shallow, ...rest] = run.output.split("\n");
  const prefix = rest.join("\n");
  if (run.notInstalled)
    return {
      kind: existsSync(join(directory, ".git")) ? "unusable" : "none",
      problem: run.problem,
      fix: "install it (git-scm.com/downloads)",
    };
  if (!run.ok) return noCheckout(run.problem);
  if (inside !== "true")
    return {
      kind: "none",
      problem: "this directory is inside a Git directory and no checkout",
      fix: CLONE_FIX,
    };
  const [unfinished, tracked, branch, commit] = await Promise.all([
    unfinishedOperation(directory),
    // One tracked file is enough; without a prefix the repository is the project's own.
    prefix === "" ? undefined : runGit(directory, ["ls-files", "--", "package.json", "flux"]),
    // Not the short name: with a tag of the same name that is `heads/main`.
    runGit(directory, ["symbolic-ref", "--quiet", "HEAD"]),
    runGit(directory, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]),
  ]);
  if (tracked?.ok && tracked.output === "")
    return {
      kind: "none",
      problem: `no Git repository has this directory: the one around it tracks nothing in ${prefix}`,
      fix: CLONE_FIX,
    };
  if (unfinished !== undefined)
    return {
      kind: "unusable",
      problem: `a ${unfinished} is in progress in this checkout, so that its files are of no commit`,
      fix: `finish it (git ${unfinished} --continue), or take it back (git ${unfinished} --abort)`,
    };
  return {
    kind: "checkout",
    prefix,
    shallow: shallow === "true",
    ...(branch.ok ? { branch: branch.output.replace(/^refs\/heads\//, "") } : {}),
    ...(commit.ok ? { commit: commit.output } : {}),
  };
}

/** What Git keeps while an operation waits for somebody to resolve conflicts, or to edit a commit. */
const UNFINISHED = [
  ["rebase-merge", "rebase"],
  ["rebase-apply/applying", "am"],
  ["rebase-apply", "rebase"],
  ["MERGE_HEAD", "merge"],
  ["CHERRY_PICK_HEAD", "cherry-pick"],
  ["REVERT_HEAD", "revert"],
] as const;

async function unfinishedOperation(directory: string): Promise<string | undefined> {
  // Of this worktree: another one may be in the middle of something else.
  const found = await runGit(directory, ["rev-parse", "--absolute-git-dir"]);
  return UNFINISHED.find(([path]) => found.ok && existsSync(join(found.output, path)))?.[1];
}

function noCheckout(said: string): NoCheckout {
  if (said.includes("dubious ownership")) {
    const command = /git config --global --add safe\.directory .+/.exec(said)?.[0];
    return {
      kind: "unusable",
      problem: "this checkout belongs to another user, so git refuses to read it (dubious ownership)",
      fix: `if you trust it: ${command ?? "git config --global --add safe.directory <the checkout>"}`,
    };
  }
  if (/^not a git repository \(or any/m.test(said))
    return { kind: "none", problem: "this is no Git checkout", fix: CLONE_FIX };
  return {
    kind: "unusable",
    problem: `git can't read this checkout: ${said.split("\n")[0]}`,
    fix: "repair it, or clone the repository again",
  };
}
