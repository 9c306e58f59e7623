import {
  GITHUB_ENVIRONMENT,
  readState,
  type StackDocument,
  type StackPlan,
  type SynthesizedStack,
} from "../terraform";
import type { Workspace } from "../workspace";
import { gitHubList, gitHubObject } from "./cloud-api";
import { deployedAttributes } from "./deployed-value";

const POLICY = "github_repository_environment_deployment_policy";
const SECRET = "github_actions_environment_secret";

/** Who may use a GitHub environment, as GitHub's API has it. */
export interface BranchPolicy {
  readonly protected_branches: boolean;
  readonly custom_branch_policies: boolean;
}

/** A GitHub environment whose deploy tokens more can read than jobs of the branch that Flux reads. */
export interface OpenEnvironment {
  readonly environment: string;
  /** `owner/name` */
  readonly repository: string;
  readonly branch: string;
  /** In words, such as "every branch that matches *". */
  readonly others: readonly string[];
  /** Of the policies that the project has not made. */
  readonly policies: readonly (string | number)[];
}

type Place = Pick<Workspace, "project" | "variables">;
type DeployedStack = Pick<SynthesizedStack, "name" | "directory"> & { readonly document?: StackDocument };

/** Who may use an environment by its kind of policy, in words; undefined where only the listed policies say so. */
export function openTo(policy: BranchPolicy | null | undefined): string | undefined {
  if (policy?.custom_branch_policies) return undefined;
  return policy?.protected_branches ? "every protected branch" : "every branch and every tag";
}

/**
 * Compares who may use an environment in GitHub with what a deploy sets: the branch that Flux reads, and nothing else.
 * @param plan what it sets right by itself is left out
 * @returns undefined where nobody else may, and where GitHub has no such environment
 * @throws ApiUnavailable, or an Error with what GitHub answered
 */
export async function openEnvironment(
  stack: DeployedStack,
  { project, variables }: Place,
  plan?: StackPlan,
): Promise<OpenEnvironment | undefined> {
  const { github } = project;
  if (github === undefined || !stack.name.endsWith("-github-secrets")) return undefined;
  const environment = stack.name.slice(0, -"-github-secrets".length);
  const repository = `${github.owner}/${github.repository}`;
  const path = `environments/${encodeURIComponent(environment)}`;
  const found = await gitHubObject<{ deployment_branch_policy?: BranchPolicy | null }>(
    `${repository}/${path}`,
    variables,
  );
  if (found === undefined) return undefined;
  const [{ objects }, deployed] = await Promise.all([
    gitHubList(repository, `${path}/deployment-branch-policies`, "branch_policies", variables),
    deployedPolicy(stack, variables),
  ]);
  const changes = (type: string): boolean => plan?.changes.some((change) => change.type === type) ?? false;
  const foreign = objects.filter(({ id, name, type = "branch" }) => {
    const isOurs = type === "branch" && name === github.branch;
    const isDeployed = String(id) === deployed?.id && (name === deployed.pattern || changes(POLICY));
    return !isOurs && !isDeployed;
  });
  const byKind = changes(GITHUB_ENVIRONMENT) ? undefined : openTo(found.deployment_branch_policy);
  const others = [
    ...(byKind === undefined ? [] : [byKind]),
    ...foreign.map(({ name, type }) => `every ${type === "tag" ? "tag" : "branch"} that matches ${name}`),
  ];
  return others.length === 0
    ? undefined
    : { environment, repository, branch: github.branch, others, policies: foreign.map(({ id }) => id) };
}

/** The policy that a deploy has made: its number at GitHub, and what it lets in. */
async function deployedPolicy(
  stack: DeployedStack,
  variables: Workspace["variables"],
): Promise<{ readonly id: string | undefined; readonly pattern: string | undefined } | undefined> {
  const attributes = deployedAttributes(await readState(stack, variables), POLICY) as
    | { readonly id?: string; readonly branch_pattern?: string }
    | undefined;
  return attributes && { id: attributes.id?.split(":").pop(), pattern: attributes.branch_pattern };
}

/** Says who else may use an environment, what that means, and how it ends. */
export function explainOpen({ environment, repository, branch, others, policies }: OpenEnvironment): string {
  const page = `Settings > Environments > ${environment} > Deployment branches and tags`;
  const commands = policies.map(
    (id) =>
      `gh api -X DELETE repos/${repository}/environments/${encodeURIComponent(environment)}/deployment-branch-policies/${id}`,
  );
  return [
    `${environment}: besides the branch ${branch}, GitHub lets ${others.join(", ")} use the environment ${environment} of ${repository}. A job there can read its deploy tokens.`,
    policies.length === 0
      ? `Allow only ${branch} in the repository: ${page}. Or deploy: it sets this again.`
      : `Remove the other policies in the repository: ${page}. Or run: ${commands.join("; ")}.`,
  ].join(" ");
}

const writesTokens = ({ changes }: StackPlan): boolean =>
  changes.some(({ type, action }) => type === SECRET && action !== "destroy" && action !== "forget");

/** A plan as far as its environment in GitHub is open to others, in words; empty where it isn't. */
async function findings(plan: StackPlan, workspace: Place): Promise<string[]> {
  const open = await openEnvironment(plan.stack, workspace, plan);
  return open === undefined ? [] : [explainOpen(open)];
}

/** For a plan that seals no tokens: who else may read those that are there. */
export async function openEnvironmentNotes(plan: StackPlan, workspace: Place): Promise<string[]> {
  return writesTokens(plan) ? [] : findings(plan, workspace);
}

/** Why plans are refused that would seal deploy tokens where others can read them, or where nobody can tell. */
export async function openEnvironmentRefusals(
  plans: readonly StackPlan[],
  workspace: Place,
): Promise<string[]> {
  const refusals = plans.filter(writesTokens).map(async (plan) => {
    try {
      const found = await findings(plan, workspace);
      return found.map((text) => `${text} No token is sealed into it before that.`);
    } catch (error) {
      return [
        `${plan.stack.name}: no deploy token is sealed, since it is unknown who may use the GitHub environment. ${(error as Error).message}`,
      ];
    }
  });
  return (await Promise.all(refusals)).flat();
}
