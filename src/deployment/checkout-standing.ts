import { type GitCheckout, runGit } from "../git";
import type { Workspace } from "../workspace";
import { fetchBranch, followedRemote } from "./followed-branch";

/** How a checkout stands to the branch that Flux reads and that the team deploys from. */
export type Standing =
  /** There is nothing to compare with: a sandbox, or a project without `github`. */
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
    }
  /** The project is in a subfolder of its repository, where Flux can't read it. */
  | { readonly state: "subfolder"; readonly reason: string; readonly fix: string }
  | { readonly state: "unknown"; readonly reason: string; readonly fix: string };

/** What no deploy is made from; Flux's own bootstrap commits the last one. */
const NO_PART_OF_A_DEPLOY = [
  ":(exclude,glob)**/*.md",
  ":(exclude)docs",
  ":(exclude)test",
  ":(exclude).github",
  ":(exclude,glob)flux/clusters/*/flux-system/**",
];

/**
 * Compares a checkout with the branch that Flux reads, before anything is deployed from it: one that is behind would take back what
 * others have deployed. Only reads (and fetches).
 */
export async function checkoutStanding({
  directory,
  project: { github },
  sandbox,
}: Pick<Workspace, "directory" | "project" | "sandbox">): Promise<Standing> {
  if (sandbox !== undefined || github === undefined) return { state: "alone" };
  const followed = await followedRemote(directory, github);
  if (followed.state === "elsewhere") return { ...followed, state: "unknown" };
  if (followed.state !== "found") return followed;
  const { remote, checkout } = followed;
  const tip = await fetchBranch(directory, remote, github.branch);
  const branch = `${remote}/${github.branch}`;
  if (tip.state === "unknown") return tip;
  // Nobody has pushed anything yet.
  if (tip.state === "missing") return { state: "in step", branch };
  return compared(directory, checkout, { branch, commit: tip.commit });
}

async function compared(
  directory: string,
  { shallow, commit: head }: GitCheckout,
  { branch, commit }: { readonly branch: string; readonly commit: string },
): Promise<Standing> {
  if (head === undefined)
    return {
      state: "unknown",
      reason: "the checkout has no commit yet",
      fix: "commit the project, or clone its repository",
    };
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
  return {
    state: "unknown",
    reason: `this clone is shallow, so that its history can't be compared with ${branch}`,
    fix: "git fetch --unshallow",
  };
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
      const { branch, commits, ahead, matters } = standing;
      const by = commits === undefined ? "" : ` by ${commits} ${commits === 1 ? "commit" : "commits"}`;
      const also = ahead === 0 ? "" : `, and has ${ahead} of its own`;
      const harmless = matters ? "" : "; they change nothing that is deployed";
      return `This checkout is behind ${branch}${by}${also}${harmless}.`;
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

/** Brings a checkout, on whatever branch, up to date. */
export const pull = ({ branch }: Extract<Standing, { state: "behind" }>): string =>
  `git pull ${branch.replace("/", " ")}`;

/**
 * Decides whether a deploy goes on from a checkout.
 * @param interactive whether there is somebody who can be asked, and wants to be
 */
export function courseFrom(
  standing: Standing,
  { ifBehind, interactive }: { readonly ifBehind: IfBehind; readonly interactive: boolean },
): Course {
  const text = describeStanding(standing);
  if (text === undefined) return { course: "deploy" };
  if (standing.state === "subfolder") return { course: "refuse", message: `${text} Nothing was changed.` };
  if (standing.state !== "behind" || !standing.matters) return { course: "deploy", note: text };
  if (ifBehind === "skip")
    return {
      course: "skip",
      message: `${text} Nothing was deployed from it, since --if-behind skip was given: the deploy of the newer commit has its changes, too.`,
    };
  if (ifBehind === "deploy")
    return { course: "deploy", note: `${text} It is deployed all the same (--if-behind deploy).` };
  if (interactive)
    return {
      course: "deploy",
      note: `${text} ${TAKES_BACK} Run \`${pull(standing)}\` first, unless you mean it.`,
      question: text,
    };
  return {
    course: "refuse",
    message: `${text} ${TAKES_BACK} Run \`${pull(standing)}\` first. To deploy this state on purpose, add --if-behind deploy. Nothing was changed.`,
  };
}
