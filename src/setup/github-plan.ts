import { EXAMPLE_OWNER } from "../config";
import { fetchRepositoryOffer, leftOut } from "../secrets/repository-offer";
import { foreignToTokens } from "../workspace";
import type { SetupContext } from "./context";

/** What the owner's plan doesn't offer a private repository: a deploy leaves it out, with a warning. */
export async function checkGitHubPlan({
  report,
  project,
  settings,
}: Pick<SetupContext, "report" | "project" | "settings">): Promise<void> {
  const variables = settings();
  const { GITHUB_TOKEN: token } = variables;
  const github = project?.github;
  if (project === undefined || github === undefined || github.owner === EXAMPLE_OWNER) return;
  if (!token || foreignToTokens(token) !== undefined) return;
  try {
    const offer = await fetchRepositoryOffer(github, variables);
    const lines = project.environments.flatMap((environment) => leftOut(offer, { github, environment }));
    for (const line of lines)
      report.finding("warning", "github-plan", line, "docs/credentials.md#what-githubs-plans-offer");
    if (lines.length === 0)
      report.finding(
        "ok",
        "github-plan",
        `${github.owner}/${github.repository} is ${offer.visibility}: GitHub offers all that is configured`,
      );
  } catch {
    // What is wrong with the repository or the token was reported as github-repository or github-token.
    report.finding(
      "unchecked",
      "github-plan",
      `what GitHub's plan offers ${github.owner}/${github.repository} is not checked: the repository can't be read`,
    );
  }
}
