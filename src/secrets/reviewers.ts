import type { GitHubRepository } from "../config";
import { askGitHub } from "./github-api";
import { type EnvironmentReviewers, possibleReviewers, type RepositoryOffer } from "./repository-offer";

type Variables = Readonly<Record<string, string | undefined>>;

interface Circumstances {
  readonly github: Pick<GitHubRepository, "owner" | "repository">;
  readonly environment: EnvironmentReviewers;
  readonly offer: RepositoryOffer;
}

/**
 * Reviewers that GitHub can't ask for an approval, a line each: the location in the configuration, the reason, the fix. The provider would
 * end with a bare 404, or GitHub with 422 in the middle of a deploy. What can't be found out is no problem.
 * @param field where the reviewers stand in the configuration
 */
export async function reviewerProblems(
  circumstances: Circumstances,
  field: string,
  variables: Variables,
): Promise<string[]> {
  const { github, environment, offer } = circumstances;
  // A name that is wrong is wrong on every plan. The first plan, which knows no offer yet, would look it up.
  const names = possibleReviewers(environment.reviewers, { ...offer, protectionRules: true }, github.owner);
  const found = await Promise.all(
    names.map(async (name) => {
      const problem = await (name.includes("/") ? teamProblem : userProblem)(name, circumstances, variables);
      return problem === undefined ? [] : [`${field}: ${JSON.stringify(name)}: ${problem}`];
    }),
  );
  return found.flat();
}

async function userProblem(
  name: string,
  { github, offer }: Circumstances,
  variables: Variables,
): Promise<string | undefined> {
  const user = await askGitHub(`users/${name}`, variables);
  if (user.status === 404) return "GitHub has no user of this name. Correct the name, or leave it out.";
  if (user.status === 200 && (JSON.parse(user.body) as { type?: string }).type === "Organization")
    return `${name} is an organisation, and GitHub asks only users and teams. Name users, or a team of the repository's owner.`;
  const access = `repos/${github.owner}/${github.repository}/collaborators/${name}`;
  if (needsAccess(offer) && (await askGitHub(access, variables)).status === 404)
    return `this user has no access to ${github.owner}/${github.repository}. Invite them (Settings > Collaborators), or leave the name out.`;
  return undefined;
}

async function teamProblem(
  name: string,
  { github, offer }: Circumstances,
  variables: Variables,
): Promise<string | undefined> {
  const { owner } = github;
  if (offer.owner === "User")
    return `this is a team, and ${owner} is a user: only organisations have teams. Name users, such as ${JSON.stringify(owner)}.`;
  const slug = name.split("/")[1] ?? "";
  const team = await askGitHub(`orgs/${owner}/teams/${slug}`, variables);
  if (team.status === 404)
    return `GitHub has no team "${slug}" in ${owner}, or GITHUB_TOKEN does not see it. Use the last part of the team's address, or give the token the scope "read:org".`;
  const { repository } = github;
  const access = `orgs/${owner}/teams/${slug}/repos/${owner}/${repository}`;
  if (needsAccess(offer) && (await askGitHub(access, variables)).status === 404)
    return `this team has no access to ${owner}/${repository}. Add it (Settings > Collaborators and teams), or leave it out.`;
  return undefined;
}

/** Everybody can read a public repository, and nobody is asked where there are no reviewers. */
const needsAccess = ({ visibility, protectionRules }: RepositoryOffer): boolean =>
  visibility !== "public" && protectionRules;
