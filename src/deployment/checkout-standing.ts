import { describeCheckout, type GitCheckout, runGit } from "../git";
import type { Workspace } from "../workspace";
import { fetchBranch, followedRemote, type Obstacle, unreadable } from "./followed-branch";

/** How a checkout stands to the branch that the team deploys from: the one that Flux reads; without `github`, its upstream. */
export type Standing =
  /** There is nothing to compare with: a sandbox, or a project without `github` and without an upstream. */
  | { readonly state: "alone" }
  | { readonly state: "in step"; readonly branch: string }
  | {
      readonly state: "behind";
      /** Such as `origin/main`. */
      readonly branch: string;
      /** Commits of the branch that the checkout doesn't have; absent in a shallow clone, which can't count them. */
      readonly commits?: number;
      /** Commits of the checkout that the branch doesn't have. */
      readonly ahead: number;
      /** Whether the missing commits change what a deploy is made from. */
      readonly matters: boolean;
      /** Why the remote could not be asked, so that this is measured by what was fetched last. */
      readonly remembered?: string;
    }
  /** The project is in a subfolder of its repository, where Flux can't read it. */
  | { readonly state: "subfolder"; readonly reason: string; readonly fix: string }
  | {
      readonly state: "unknown";
      readonly reason: string;
      readonly fix: string;
      /**
       * Whether a deploy asks, and is refused without a terminal. It goes on with a note where nothing could be compared: without a
       * repository (a zip), without a remote (a new repository), and when the remote doesn't answer (a laptop offline) and all that was
       * fetched of it is here. Where nothing was ever fetched of it nothing is known. CI has a repository and a network, so there all
       * of this is refused.
       */
      readonly matters: boolean;
    };

/** What no deploy is made from; Flux's own bootstrap commits the last one. */
const NO_PART_OF_A_DEPLOY = [
  ":(exclude,glob)**/*.md",
  ":(exclude)docs",
  ":(exclude)test",
  ":(exclude).github",
  ":(exclude,glob)flux/clusters/*/flux-system/**",
];

/**
 * Compares a checkout with the branch that Flux reads (without `github`: with its upstream), before anything is deployed from it: one
 * that is behind would take back what others have deployed. Where the remote doesn't answer, what was fetched last is compared. Only
 * reads (and fetches).
 */
export async function checkoutStanding({
  directory,
  project: { github },
  sandbox,
  variables,
}: Pick<Workspace, "directory" | "project" | "sandbox" | "variables">): Promise<Standing> {
  if (sandbox !== undefined) return { state: "alone" };
  const followed = github
    ? await followedRemote(directory, github, variables).then((found) => ({ ...found, name: github.branch }))
    : await upstreamOf(directory);
  if (followed.state === "alone" || followed.state === "subfolder") return followed;
  if (followed.state !== "found") return unknown(followed, followed.state !== "none");
  const { remote, checkout, name } = followed;
  const tip = await fetchBranch(directory, remote, name);
  const branch = `${remote}/${name}`;
  // Nobody has pushed anything yet.
  if (tip.state === "missing") return { state: "in step", branch };
  if (tip.state === "found") return compared(directory, checkout, { branch, commit: tip.commit });
  const remembered = await runGit(directory, [
    "rev-parse",
    "--verify",
    "--quiet",
    `refs/remotes/${branch}^{commit}`,
  ]);
  if (remembered.ok) {
    const standing = await compared(directory, checkout, { branch, commit: remembered.output });
    if (standing.state === "behind" && standing.matters) return { ...standing, remembered: tip.reason };
    if (standing.state === "unknown") return standing;
  }
  // A tip that can't be fetched is one that the checkout doesn't have, and without anything fetched there may be one.
  return unknown(tip, tip.state !== "unreachable" || !remembered.ok);
}

const unknown = (
  { reason, fix }: { readonly reason: string; readonly fix: string },
  matters: boolean,
): Standing => ({ state: "unknown", reason, fix, matters });

/** Which branch a checkout follows by what Git knows: its upstream, else the branch of the same name of origin. */
async function upstreamOf(directory: string): Promise<
  | {
      readonly state: "found";
      readonly checkout: GitCheckout;
      readonly remote: string;
      readonly name: string;
    }
  | { readonly state: "alone" }
  | Obstacle
> {
  const checkout = await describeCheckout(directory);
  if (checkout.kind !== "checkout")
    return checkout.kind === "none" ? { state: "alone" } : unreadable(checkout);
  const { branch } = checkout;
  if (branch === undefined) return { state: "alone" };
  const [upstream, origin] = await Promise.all([
    runGit(directory, [
      "for-each-ref",
      "--format=%(upstream:remotename) %(upstream:remoteref)",
      `refs/heads/${branch}`,
    ]),
    runGit(directory, ["remote", "get-url", "origin"]),
  ]);
  const [, remote, name] = /^(\S+) refs\/heads\/(\S+)$/.exec(upstream.output) ?? [];
  // The upstream "." is another branch of the checkout itself.
  if (remote !== undefined && name !== undefined && remote !== ".")
    return { state: "found", checkout, remote, name };
  return origin.ok ? { state: "found", checkout, remote: "origin", name: branch } : { state: "alone" };
}

async function compared(
  directory: string,
  { shallow, commit: head }: GitCheckout,
  { branch, commit }: { readonly branch: string; readonly commit: string },
): Promise<Standing> {
  if (head === undefined)
    return unknown(
      {
        reason: "the checkout has no commit yet",
        fix: "commit the project, or clone its repository",
      },
      true,
    );
  const isAncestor = async (one: string, other: string) =>
    (await runGit(directory, ["merge-base", "--is-ancestor", one, other])).ok;
  if (await isAncestor(commit, head)) return { state: "in step", branch };
  const matters = await changesADeploy(directory, head, commit);
  if (!shallow) {
    const counted = await runGit(directory, ["rev-list", "--left-right", "--count", `${head}...${commit}`]);
    const [ahead = 0, commits] = counted.output.split(/\s+/).map(Number);
    return { state: "behind", branch, ...(counted.ok ? { commits } : {}), ahead, matters };
  }
  if (await isAncestor(head, commit)) return { state: "behind", branch, ahead: 0, matters };
  // The history ends somewhere: a merge commit of a pull request, which CI checks out alone, still names its parents.
  const parents = (await runGit(directory, ["cat-file", "commit", head])).output.matchAll(/^parent (\w+)$/gm);
  if ([...parents].some(([, parent]) => parent === commit)) return { state: "in step", branch };
  return unknown(
    {
      reason: `this clone is shallow, so that its history can't be compared with ${branch}`,
      fix: "git fetch --unshallow",
    },
    true,
  );
}

/** Whether a commit has changes, since it parted from HEAD, in what a deploy is made from. What can't be told counts as one. */
async function changesADeploy(directory: string, head: string, commit: string): Promise<boolean> {
  const differs = async (range: readonly string[]) =>
    !(await runGit(directory, ["diff", "--quiet", ...range, "--", ".", ...NO_PART_OF_A_DEPLOY])).ok;
  // Squashed commits are others with the same files.
  return (await differs([`${head}...${commit}`])) && (await differs([head, commit]));
}

/** A standing in words: `behind origin/main by 3 commits`; undefined when there is nothing to say. */
export function describeStanding(standing: Standing): string | undefined {
  switch (standing.state) {
    case "alone":
    case "in step":
      return undefined;
    case "behind": {
      const { branch, commits, ahead, matters, remembered } = standing;
      const by = commits === undefined ? "" : ` by ${commits} ${commits === 1 ? "commit" : "commits"}`;
      const also = ahead === 0 ? "" : `, and has ${ahead} of its own`;
      const harmless = matters ? "" : "; they change nothing that is deployed";
      const known = remembered === undefined ? "" : `, by what was fetched last (${remembered})`;
      return `This checkout is behind ${branch}${by}${also}${harmless}${known}.`;
    }
    case "subfolder":
      return `Flux can't be given this checkout: ${standing.reason}. Fix: ${standing.fix}.`;
    case "unknown":
      return `Whether this checkout is behind is not known: ${standing.reason}. Fix: ${standing.fix}.`;
  }
}

/** What a deploy does with a checkout that is behind. */
export const IF_BEHIND = ["ask", "skip", "deploy"] as const;
export type IfBehind = (typeof IF_BEHIND)[number];

/** How a deploy goes on, seen from where its checkout stands. */
export type Course =
  | {
      readonly course: "deploy";
      readonly note?: string /** Asked before anything is applied. */;
      readonly question?: string;
    }
  | { readonly course: "refuse" | "skip"; readonly message: string };

const TAKES_BACK = "A deploy would take back what others have deployed since.";
const MAY_TAKE_BACK = "A deploy could take back what others have deployed.";

/** Brings a checkout, on whatever branch, up to date; what was fetched already needs no remote. */
export const pull = ({ branch, remembered }: Extract<Standing, { state: "behind" }>): string =>
  remembered === undefined ? `git pull ${branch.replace("/", " ")}` : `git merge ${branch}`;

/**
 * Decides whether a deploy goes on from a checkout.
 * @param interactive whether there is somebody who can be asked, and wants to be
 * @param ci whether this is a run of CI, which goes on from nothing that isn't known; nor does `--if-behind skip`
 */
export function courseFrom(
  standing: Standing,
  {
    ifBehind,
    interactive,
    ci,
  }: { readonly ifBehind: IfBehind; readonly interactive: boolean; readonly ci?: boolean },
): Course {
  const text = describeStanding(standing);
  if (text === undefined || standing.state === "alone" || standing.state === "in step")
    return { course: "deploy" };
  if (standing.state === "subfolder") return { course: "refuse", message: `${text} Nothing was changed.` };
  const isUnknown = standing.state === "unknown";
  if (!standing.matters && !(isUnknown && (ci || ifBehind === "skip")))
    return { course: "deploy", note: text };
  if (ifBehind === "deploy")
    return { course: "deploy", note: `${text} It is deployed all the same (--if-behind deploy).` };
  if (ifBehind === "skip" && !isUnknown)
    return {
      course: "skip",
      message: `${text} Nothing was deployed from it, since --if-behind skip was given: the deploy of the newer commit has its changes, too.`,
    };
  const first = isUnknown ? MAY_TAKE_BACK : `${TAKES_BACK} Run \`${pull(standing)}\` first`;
  if (interactive && ifBehind === "ask")
    return {
      course: "deploy",
      note: `${text} ${first}${isUnknown ? "" : ", unless you mean it."}`,
      question: text,
    };
  return {
    course: "refuse",
    message: `${text} ${first}${isUnknown ? "" : "."} To deploy this state on purpose, add --if-behind deploy. Nothing was changed.`,
  };
}
