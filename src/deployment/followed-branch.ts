import { gitHubWeb } from "../api-client";
import type { GitHubRepository } from "../config";
import {
  describeCheckout,
  type GitCheckout,
  NETWORK_TIMEOUT_MS,
  type NoCheckout,
  runGit,
  withoutCredentials,
} from "../git";
import type { Variables } from "../terraform";
import { repositoryAt } from "./followed-repository";

/** The repository that Flux reads. */
export type Repository = Pick<GitHubRepository, "owner" | "repository">;

/** What keeps a checkout from being compared with the branch that Flux reads. */
export type Obstacle =
  /** The remote is not the repository that Flux reads. */
  | { readonly state: "elsewhere"; readonly reason: string; readonly fix: string }
  /** The project is not at the root of its repository. */
  | { readonly state: "subfolder"; readonly reason: string; readonly fix: string }
  /** There is nothing to compare with: no repository (a zip, say), or no remote. */
  | { readonly state: "none"; readonly reason: string; readonly fix: string }
  | { readonly state: "unknown"; readonly reason: string; readonly fix: string };

/** The remote of a checkout that Flux reads. */
export interface FollowedRemote {
  readonly state: "found";
  readonly checkout: GitCheckout;
  /** Its name: origin, unless another remote is the repository that Flux reads. */
  readonly remote: string;
}

/** The tip of the branch that Flux reads; the checkout has its commit. */
export type FollowedBranch =
  | { readonly state: "found"; readonly commit: string }
  /** The remote answers, and has no such branch. */
  | { readonly state: "missing" }
  /** The remote doesn't answer. */
  | { readonly state: "unreachable"; readonly reason: string; readonly fix: string }
  | { readonly state: "unknown"; readonly reason: string; readonly fix: string };

/** Where a repository is cloned from: the GitHub of GITHUB_BASE_URL. */
export const addressOf = ({ owner, repository }: Repository, variables: Variables): string =>
  `${gitHubWeb(variables)}/${owner}/${repository}.git`;

/** Why a project can't be deployed to a repository that has it in a subfolder. */
export function explainSubfolder(prefix: string): { readonly reason: string; readonly fix: string } {
  const folder = prefix.replace(/\/$/, "");
  return {
    reason: `the project is in the subfolder ${folder} of its Git repository. Flux resolves paths such as ./flux/apps from the root of the repository, where they do not exist, and GitHub reads workflows only from .github at the root`,
    fix: `give the project a repository of its own. In the root of this one: git subtree split --prefix=${quoted(folder)} --branch project, then git push <address of an empty repository> project:main. Clone that, and copy state/, .env and .secrets/ into the clone`,
  };
}

/** A path as a shell takes it. */
const quoted = (path: string): string =>
  /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

/**
 * The remote of a checkout that is the repository which Flux reads, by its address: `origin`, or whatever it is called.
 * @param github without it any repository will do
 * @param variables have the address of GitHub
 */
export async function followedRemote(
  directory: string,
  github: Repository | undefined,
  variables: Variables,
): Promise<FollowedRemote | Obstacle> {
  const checkout = await describeCheckout(directory);
  if (checkout.kind !== "checkout") return unreadable(checkout);
  if (checkout.prefix !== "") return { state: "subfolder", ...explainSubfolder(checkout.prefix) };
  const remotes = (await runGit(directory, ["remote"])).output.split("\n").filter((name) => name !== "");
  const ordered = [...remotes].sort((one, other) => Number(other === "origin") - Number(one === "origin"));
  const [first] = ordered;
  if (first === undefined)
    return {
      state: "none",
      reason: "the checkout has no remote",
      fix: `git remote add origin ${github ? addressOf(github, variables) : "<address of the repository>"}`,
    };
  if (github === undefined) return { state: "found", checkout, remote: first };
  const foreign: string[] = [];
  for (const remote of ordered) {
    const reason = await foreignRemote(directory, remote, github, variables);
    if (reason === undefined) return { state: "found", checkout, remote };
    foreign.push(reason);
  }
  const rewritten = await rewrittenRemote(directory, ordered, github, variables);
  if (rewritten !== undefined) return { state: "elsewhere", reason: String(foreign[0]), fix: rewritten };
  const verb = first === "origin" ? "set-url" : "add";
  return {
    state: "elsewhere",
    reason: String(foreign[0]),
    fix: `git remote ${verb} origin ${addressOf(github, variables)}`,
  };
}

/** What keeps a directory from being compared that is no checkout, or one that git can't read. */
export const unreadable = ({ kind, problem, fix }: NoCheckout) =>
  ({ state: kind === "none" ? "none" : "unknown", reason: problem, fix }) as const;

/**
 * The fix where a remote's own address is right, and Git's configuration (`url.<base>.insteadOf`) makes another one of it: a new address
 * would be rewritten, too.
 */
async function rewrittenRemote(
  directory: string,
  remotes: readonly string[],
  github: Repository,
  variables: Variables,
): Promise<string | undefined> {
  for (const remote of remotes) {
    const { ok, output } = await runGit(directory, ["config", "--get-all", `remote.${remote}.url`]);
    const pushes = await runGit(directory, ["config", "--get-all", `remote.${remote}.pushurl`]);
    const own = [...output.split("\n"), ...(pushes.ok ? pushes.output.split("\n") : [])];
    if (ok && own.every((address) => isRepository(address, github, variables)))
      return `the remote's own address is right, and Git rewrites it by url.<base>.insteadOf. Show the rule with git config --show-origin --get-regexp '^url\\..*insteadof$', and remove it`;
  }
  return undefined;
}

/** Why a remote is not a repository, told by the host and the end of its addresses; undefined when it is. */
async function foreignRemote(
  directory: string,
  remote: string,
  github: Repository,
  variables: Variables,
): Promise<string | undefined> {
  const [read, push] = await Promise.all([
    runGit(directory, ["remote", "get-url", remote]),
    runGit(directory, ["remote", "get-url", "--push", "--all", remote]),
  ]);
  const { hostname } = new URL(gitHubWeb(variables));
  const foreign = [read.output, ...push.output.split("\n")].find(
    (address) => !isRepository(address, github, variables),
  );
  if (foreign === undefined) return undefined;
  const which = foreign === read.output ? `the remote ${remote} is` : `the remote ${remote} pushes to`;
  return `${which} ${withoutCredentials(foreign)}, and Flux reads ${github.owner}/${github.repository}${isElsewhere(foreign, hostname) ? ` at ${hostname}` : ""}, as "github" in the configuration says`;
}

/** Whether an address is that of a repository. */
function isRepository(address: string, github: Repository, variables: Variables): boolean {
  const { owner, repository } = repositoryAt(address);
  return (
    `${owner}/${repository}`.toLowerCase() === `${github.owner}/${github.repository}`.toLowerCase() &&
    !isElsewhere(address, new URL(gitHubWeb(variables)).hostname)
  );
}

/**
 * Whether an address is on another host than GitHub's. A path, and a host that only this machine knows (a name in SSH's configuration such
 * as `work` or `github.com-work`, a tunnel), may be anything.
 */
function isElsewhere(address: string, hostname: string): boolean {
  const [, url, scp] =
    /^(?:[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?([^/:]*)|(?:[^/@]*@)?([^/:]+):)/i.exec(address) ?? [];
  const host = (url ?? scp ?? "").toLowerCase();
  if (!host.includes(".") || /^127(?:\.\d+){3}$/.test(host)) return false;
  return ![hostname, `ssh.${hostname}`, `www.${hostname}`].includes(host) && !host.startsWith(`${hostname}-`);
}

/**
 * Asks a remote for a branch, and fetches its commit when the checkout doesn't have it. Where the checkout has it already nothing is
 * written, so that a read-only checkout can be compared, too.
 */
export async function fetchBranch(
  directory: string,
  remote: string,
  branch: string,
): Promise<FollowedBranch> {
  const ref = `refs/heads/${branch}`;
  const network = { timeoutMs: NETWORK_TIMEOUT_MS };
  const listed = await runGit(directory, ["ls-remote", "--exit-code", remote, ref], network);
  if (listed.code === NO_SUCH_REF) return { state: "missing" };
  const [commit = ""] = listed.output.split(/\s/);
  if (!listed.ok)
    return {
      state: "unreachable",
      reason: `${remote}/${branch} can't be read: ${firstLine(listed.problem)}`,
      fix: `check the network and that \`git ls-remote ${remote}\` works`,
    };
  const isHere = async () => (await runGit(directory, ["cat-file", "-e", `${commit}^{commit}`])).ok;
  if (await isHere()) return { state: "found", commit };
  const fetched = await runGit(
    directory,
    ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", remote, ref],
    network,
  );
  if (fetched.ok && (await isHere())) return { state: "found", commit };
  const why = fetched.ok ? "it has moved on meanwhile" : firstLine(fetched.problem);
  return {
    state: "unknown",
    reason: `${remote}/${branch} can't be fetched: ${why}`,
    fix: `run \`git fetch ${remote}\``,
  };
}

/** What `git ls-remote --exit-code` ends with when the remote answers and has no such branch. */
const NO_SUCH_REF = 2;

const firstLine = (text: string): string => text.split("\n")[0] ?? "";
