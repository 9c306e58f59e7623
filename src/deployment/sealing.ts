import { existsSync } from "node:fs";
import type { Environment, GitHubRepository } from "../config";
import { shownPath } from "../place";
import { differingSecrets, type Proposal, proposeSecrets } from "../secrets/publish";
import { publishedFile, writePublished } from "../secrets/published";
import { fetchRepositoryOffer } from "../secrets/repository-offer";
import { reviewerProblems } from "../secrets/reviewers";
import type { Output } from "../terminal/output";
import type { SynthesizedStack } from "../terraform";
import { synthesizeStacks, type Workspace } from "../workspace";
import { followsAnother } from "./followed-repository";

export interface SealingOptions {
  readonly environment: readonly string[];
  readonly stack: readonly string[];
  readonly allow?: readonly string[];
}

/** What a deploy would seal for GitHub, by what is set on this machine. */
export interface Sealing {
  readonly proposals: readonly Proposal[];
  /** In CI: the names of secrets whose values there are others than those that were sealed. */
  readonly kept: readonly { readonly environment: string; readonly secrets: readonly string[] }[];
  /** Deploy tokens that are sealed once GitHub has the environment, which gives out the key for them. */
  readonly waiting: readonly { readonly environment: string; readonly secrets: readonly string[] }[];
  /** What GitHub doesn't offer the repository, in lines for people. */
  readonly leftOut: readonly string[];
}

/**
 * The stacks as a deploy would plan them: with what it would seal again, which is written nowhere before acceptSealing(). diff and deploy
 * plan with the same.
 * @param isDeploy keeps the keys that the first deploy makes, and looks in CI whether its values are those that were sealed
 * @throws Error with what GitHub refuses, or with what the app printed
 */
export async function synthesizeSealed(
  workspace: Workspace,
  options: SealingOptions,
  isDeploy: boolean,
): Promise<{ readonly all: SynthesizedStack[]; readonly sealing: Sealing }> {
  // Both at once, since secrets are seldom new; when they are, the stacks that hold them are synthesized again.
  const [proposed, stacks] = await Promise.allSettled([
    proposeSealing(workspace, options, isDeploy),
    synthesizeStacks(workspace),
  ]);
  if (proposed.status === "rejected") throw proposed.reason;
  const sealing = proposed.value;
  if (sealing.proposals.length > 0) {
    const published = sealing.proposals.map((proposal) => [proposal.environment, proposal.published]);
    return { all: await synthesizeStacks(workspace, Object.fromEntries(published)), sealing };
  }
  if (stacks.status === "rejected") throw stacks.reason;
  return { all: stacks.value, sealing };
}

async function proposeSealing(
  workspace: Workspace,
  options: SealingOptions,
  isDeploy: boolean,
): Promise<Sealing> {
  const { project, directory, variables } = workspace;
  const { github } = project;
  if (!github) return { proposals: [], kept: [], waiting: [], leftOut: [] };
  const isCi = variables.GITHUB_ACTIONS === "true";
  await refuseReviewers(workspace, options, github);
  const plans = await Promise.all(
    // Only those that are deployed: the tokens of one environment are not to be sealed for another.
    affected(workspace, options).map(async (affectedOne): Promise<Partial<Sealing>> => {
      const environment = affectedOne.name;
      const isSealed = existsSync(publishedFile(directory, environment));
      if (isCi) {
        // A pull request is planned with tokens of its own, which are never sealed.
        if (!isDeploy) return {};
        if (!isSealed) throw new Error(explainUnsealed(directory, environment));
        return {
          kept: [{ environment, secrets: await differingSecrets({ directory, environment, variables }) }],
        };
      }
      // Nothing is sealed for another repository before somebody allows that one: the plan will be refused.
      if (!options.allow?.includes("repository-change") && (await followsAnother(workspace, environment)))
        return {};
      const proposal = await proposeSecrets({
        directory,
        environment: affectedOne,
        github,
        variables,
        keepsKeys: isDeploy,
      });
      const { changes, waiting, leftOut } = proposal;
      return {
        ...(changes ? { proposals: [proposal] } : {}),
        waiting: [{ environment, secrets: waiting }],
        leftOut,
      };
    }),
  );
  return {
    proposals: plans.flatMap(({ proposals = [] }) => proposals),
    kept: plans.flatMap(({ kept = [] }) => kept).filter(({ secrets }) => secrets.length > 0),
    waiting: plans.flatMap(({ waiting = [] }) => waiting).filter(({ secrets }) => secrets.length > 0),
    leftOut: plans.flatMap(({ leftOut = [] }) => leftOut),
  };
}

/**
 * @throws Error for reviewers that GitHub can't ask, before a plan ends with a bare 404. Where GitHub can't be asked, the plan has its say.
 */
async function refuseReviewers(
  workspace: Workspace,
  options: SealingOptions,
  github: GitHubRepository,
): Promise<void> {
  const { project, variables } = workspace;
  const reviewed = affected(workspace, options).filter(({ reviewers }) => reviewers.length > 0);
  if (reviewed.length === 0) return;
  const offer = await fetchRepositoryOffer(github, variables).catch(() => undefined);
  if (offer === undefined) return;
  const problems = await Promise.all(
    reviewed.map((environment) => {
      const own = `environments[${project.environments.indexOf(environment)}].reviewers`;
      // Production's may stand in either.
      const field = environment.production ? `${own} (or github.reviewers)` : own;
      return reviewerProblems({ github, environment, offer }, field, variables);
    }),
  );
  if (problems.flat().length > 0)
    throw new Error(
      `GitHub can't ask these reviewers for an approval, and would end the deploy:\n\n${problems.flat().join("\n")}`,
    );
}

/** The environments whose secrets are in the plan. */
function affected({ project }: Workspace, { environment, stack }: SealingOptions): Environment[] {
  return project.environments
    .filter(({ name }) => environment.length === 0 || environment.includes(name))
    .filter(({ name }) => stack.length === 0 || stack.includes(`${name}-github-secrets`));
}

/** CI never makes it: its private halves would be gone with the job, and the file would not be in Git. */
function explainUnsealed(directory: string, environment: string): string {
  const file = shownPath(directory, `secrets/${environment}.json`);
  return `${file} is missing in this checkout, and CI seals nothing: without the file the plan would delete ${environment}'s Actions secrets, its deploy key and its webhook. Nothing was changed. Deploy once from your machine and commit ${file}.`;
}

/** Says by name, never by value, what a deploy seals again. It stands beside the plan, in diff and deploy alike. */
export function explainSealing(
  { project, directory }: Workspace,
  { proposals, kept, waiting, leftOut }: Sealing,
): string[] {
  const repository = `${project.github?.owner}/${project.github?.repository}`;
  const file = (environment: string): string => shownPath(directory, `secrets/${environment}.json`);
  return [
    ...leftOut.map((line) => `Warning: ${line}`),
    ...waiting.map(
      ({ environment, secrets }) =>
        `After this plan deploy also sets the secrets of the GitHub environment ${environment}: ${secrets.join(", ")}. GitHub gives out the key that they are sealed with once the environment exists.`,
    ),
    ...proposals
      .filter(({ keyChanged }) => keyChanged)
      .map(
        ({ environment }) =>
          `GitHub has a new public key for ${repository}: everything of ${environment} is sealed again.`,
      ),
    ...proposals
      .filter(({ sealed }) => sealed.length > 0)
      .map(
        ({ environment, sealed }) =>
          `Sealed for GitHub by this plan (${file(environment)}): ${sealed.join(", ")}. The values that are set here are not those that were sealed; where they are not set, the sealed ones stay.`,
      ),
    ...kept.map(
      ({ environment, secrets }) =>
        `Not sealed: ${secrets.join(", ")}. This job has other values than those in ${file(environment)}. CI seals nothing, so GitHub keeps the sealed ones. If the job's values are right, deploy from a machine where they are set and commit ${file(environment)}.`,
    ),
  ];
}

/** Writes what was planned, once it is approved. */
export function acceptSealing({ directory }: Workspace, { proposals }: Sealing, output: Output): void {
  for (const { environment, published, sealed } of proposals) {
    writePublished(directory, environment, published);
    if (sealed.length > 0)
      output.line(
        `Sealed for GitHub (${shownPath(directory, `secrets/${environment}.json`)}): ${sealed.join(", ")}`,
      );
  }
}

/** For a script: names only. */
export function sealedNames({ proposals }: Sealing): unknown {
  return proposals.map(({ environment, sealed, keyChanged }) => ({
    environment,
    secrets: sealed,
    keyChanged,
  }));
}
