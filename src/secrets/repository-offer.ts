import { z } from "zod";
import { GITHUB_PLANS, type GitHubPlan, type GitHubRepository } from "../config";
import { askGitHub, refusal } from "./github-api";

/** What GitHub offers a repository, by its visibility and its owner's plan. */
export const repositoryOffer = z.strictObject({
  owner: z.enum(["User", "Organization"]),
  visibility: z.enum(["public", "private", "internal"]),
  /** Absent where the token may not read it and the configuration doesn't name it. */
  plan: z.enum(GITHUB_PLANS).optional(),
  /** Environments with their secrets, variables and deployment branches. A private repository has none on Free. */
  environments: z.boolean(),
  /** Required reviewers and wait timers. A private repository needs Enterprise for them. */
  protectionRules: z.boolean(),
});
export type RepositoryOffer = Readonly<z.output<typeof repositoryOffer>>;

type Variables = Readonly<Record<string, string | undefined>>;
type Repository = Pick<GitHubRepository, "owner" | "repository" | "plan">;

/** Names of GitHub's API, those of plans that are no longer sold included. */
const PLANS: Readonly<Record<string, GitHubPlan>> = {
  free: "free",
  pro: "pro",
  developer: "pro",
  team: "team",
  business: "team",
  bronze: "team",
  silver: "team",
  gold: "team",
  platinum: "team",
  enterprise: "enterprise",
  business_plus: "enterprise",
};

/**
 * Asks GitHub what it offers a repository: its visibility, and for a private one the plan of its owner. `deploy` asks before it
 * plans, and keeps the answer with the sealed secrets, so that synthesis needs no network; `setup.sh` asks to tell what will be left out.
 * What can't be found out counts as not offered, but for environments, which only Free lacks.
 * @throws Error that says what was asked, what came back and what to do
 */
export async function fetchRepositoryOffer(
  { owner, repository, plan: configured }: Repository,
  variables: Variables,
): Promise<RepositoryOffer> {
  const response = await askGitHub(`repos/${owner}/${repository}`, variables);
  const { status, body, headers } = response;
  if (status !== 200)
    throw new Error(`GitHub refused ${owner}/${repository}: ${await refusal(response, variables)}`);
  const answer = JSON.parse(body) as {
    private?: boolean;
    visibility?: RepositoryOffer["visibility"];
    owner?: { type?: string };
  };
  const kind = answer.owner?.type === "Organization" ? "Organization" : "User";
  const visibility = answer.visibility ?? (answer.private ? "private" : "public");
  const common = { owner: kind, visibility } as const;
  if (visibility === "public")
    return {
      ...common,
      ...(configured ? { plan: configured } : {}),
      environments: true,
      protectionRules: true,
    };
  // Only Enterprise has internal repositories, and whoever runs GitHub Enterprise Server has it.
  const isEnterprise = visibility === "internal" || headers["x-github-enterprise-version"] !== undefined;
  const plan = configured ?? (isEnterprise ? "enterprise" : await planOf(owner, kind, variables));
  return {
    ...common,
    ...(plan ? { plan } : {}),
    environments: plan === undefined ? await hasEnvironments(owner, repository, variables) : plan !== "free",
    protectionRules: plan === "enterprise",
  };
}

/** Only the owner sees the plan: a user their own, an owner of an organisation that of the organisation. */
async function planOf(
  owner: string,
  kind: RepositoryOffer["owner"],
  variables: Variables,
): Promise<GitHubPlan | undefined> {
  const { status, body } = await askGitHub(kind === "User" ? "user" : `orgs/${owner}`, variables);
  if (status !== 200) return undefined;
  const { login, plan } = JSON.parse(body) as { login?: string; plan?: { name?: string } };
  return login?.toLowerCase() === owner.toLowerCase() ? PLANS[plan?.name?.toLowerCase() ?? ""] : undefined;
}

/** GitHub answers 404 where a repository can't have environments. */
async function hasEnvironments(owner: string, repository: string, variables: Variables): Promise<boolean> {
  return (await askGitHub(`repos/${owner}/${repository}/environments`, variables)).status !== 404;
}

/**
 * What is left out of the GitHub repository because its plan doesn't offer it, a line each: the thing, the reason, the fix.
 * @param environment whose secrets and reviewers it is about
 * @param deployed whether GitHub had environments for the repository when it was deployed last
 */
export function leftOut(
  { owner, environments, protectionRules, plan }: RepositoryOffer,
  { github, environment }: { github: Repository; environment: EnvironmentReviewers },
  deployed = false,
): string[] {
  const name = `${github.owner}/${github.repository}`;
  if (!environments)
    return [
      `${environment.name}: GitHub offers ${name} no environments, since it is private and its owner's plan is ${planName(plan)}. Left out: the environment with its variables and deploy tokens, so that CI deploys nothing; deploy from a machine.${deployed ? " All of that exists since an earlier deploy, and the next one deletes it." : ""} GitHub Pro, Team and Enterprise have environments, and so does a public repository.`,
    ];
  const organisation = environment.reviewers.filter((name) => isOrganisation(name, owner, github.owner));
  return [
    ...(protectionRules || environment.reviewers.length === 0
      ? []
      : [
          `${environment.name}: GitHub offers ${name} no required reviewers, since it is private and its owner's plan is ${planName(plan)}. Left out: ${environment.reviewers.join(", ")}; CI deploys without an approval. Private repositories need GitHub Enterprise for it.`,
        ]),
    ...(protectionRules && organisation.length > 0
      ? [
          `${environment.name}: ${organisation.join(", ")} is an organisation, and GitHub asks only users and teams for an approval. Left out: ${organisation.join(", ")}. Name users, or a team as "${github.owner}/<team>".`,
        ]
      : []),
  ];
}

/** The reviewers of an environment, as the configuration has them. */
export interface EnvironmentReviewers {
  readonly name: string;
  readonly reviewers: readonly string[];
}

const isOrganisation = (name: string, kind: RepositoryOffer["owner"], owner: string): boolean =>
  kind === "Organization" && name.toLowerCase() === owner.toLowerCase();

/** Who can be asked for an approval: nobody where there are no protection rules, and never an organisation. */
export function possibleReviewers(
  reviewers: readonly string[],
  { owner: kind, protectionRules }: RepositoryOffer,
  owner: string,
): string[] {
  return protectionRules ? reviewers.filter((name) => !isOrganisation(name, kind, owner)) : [];
}

const planName = (plan?: GitHubPlan): string =>
  plan === undefined
    ? "unknown (GITHUB_TOKEN may not read it: name it as github.plan in the configuration)"
    : `${plan.slice(0, 1).toUpperCase()}${plan.slice(1)}`;
