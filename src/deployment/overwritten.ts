import { readPlan, readStackDocument, readState, type StackPlan } from "../terraform";
import type { Workspace } from "../workspace";
import { gitHubList, gitHubObject } from "./cloud-api";

const ENVIRONMENT = "github_repository_environment";
const VARIABLE = "github_actions_environment_variable";
const SECRET = "github_actions_environment_secret";

/** An environment as GitHub's API has it, as far as it is compared. */
interface GitHubEnvironment {
  readonly protection_rules?: ReadonlyArray<{
    readonly type: string;
    readonly wait_timer?: number;
    readonly reviewers?: ReadonlyArray<{
      readonly reviewer: { readonly id: number; readonly login?: string; readonly slug?: string };
    }>;
  }>;
}

/** Attributes of a resource as a plan or a state has them; absent: known after the apply only. */
interface Attributes {
  readonly repository?: string;
  readonly environment?: string;
  readonly variable_name?: string;
  readonly secret_name?: string;
  readonly value?: string;
  readonly wait_timer?: number | null;
  readonly reviewers?: ReadonlyArray<{
    readonly users?: readonly number[];
    readonly teams?: readonly number[];
  }>;
}

/**
 * What nobody sees in a plan of GitHub's provider. It writes an environment, its variables and secrets over those that exist, and does
 * not notice reviewers that were removed by hand.
 * @returns the plan, with a note about each
 */
export async function withGitHubNotes(plan: StackPlan, workspace: Workspace): Promise<StackPlan> {
  const { github } = workspace.project;
  if (github === undefined || !plan.stack.name.endsWith("-github-secrets")) return plan;
  try {
    const creates = plan.changes.some(({ type, action }) => type === ENVIRONMENT && action === "create");
    const notes = creates
      ? await overwritten(plan, github.owner, workspace)
      : await removedReviewers(plan, github.owner, workspace);
    return notes.length === 0 ? plan : { ...plan, notes: [...(plan.notes ?? []), ...notes] };
  } catch (error) {
    const note = `What GitHub has already could not be compared with the plan: ${(error as Error).message}`;
    return { ...plan, notes: [...(plan.notes ?? []), note] };
  }
}

async function overwritten({ stack }: StackPlan, owner: string, { variables }: Workspace): Promise<string[]> {
  const { resource_changes = [] } = await readPlan(stack, variables);
  const created = (type: string): Attributes[] =>
    resource_changes
      .filter((one) => one.type === type && one.change.actions.join() === "create")
      .map(({ change }) => change.after as Attributes);
  const [wanted] = created(ENVIRONMENT);
  if (wanted?.environment === undefined) return [];
  const path = `environments/${encodeURIComponent(wanted.environment)}`;
  const repository = `${owner}/${wanted.repository}`;
  const found = await gitHubObject<GitHubEnvironment>(`${repository}/${path}`, variables);
  if (found === undefined) return [];
  const [existing, secrets] = await Promise.all([
    gitHubList(repository, `${path}/variables`, "variables", variables),
    gitHubList(repository, `${path}/secrets`, "secrets", variables),
  ]);
  const changes = [
    ...created(VARIABLE).flatMap(({ variable_name, value }) => {
      const before = existing.objects.find(({ name }) => name === variable_name?.toUpperCase())?.value;
      return before === undefined || before === value
        ? []
        : [
            `the variable ${variable_name}: ${JSON.stringify(before)} -> ${value === undefined ? "(new)" : JSON.stringify(value)}`,
          ];
    }),
    ...created(SECRET).flatMap(({ secret_name }) =>
      secrets.objects.some(({ name }) => name === secret_name?.toUpperCase())
        ? [`the secret ${secret_name}`]
        : [],
    ),
    ...reviewerChange(found, wanted),
    ...waitChange(found, wanted),
  ];
  if (changes.length === 0) return [];
  return [
    `GitHub has the environment ${wanted.environment} of ${repository} already, and the state does not. A deploy overwrites in it: ${changes.join("; ")}.`,
  ];
}

const idsOf = ({ reviewers = [] }: Attributes): number[] =>
  (reviewers ?? []).flatMap(({ users, teams }) => [...(users ?? []), ...(teams ?? [])]);

const reviewersOf = ({ protection_rules = [] }: GitHubEnvironment) =>
  protection_rules
    .flatMap(({ reviewers = [] }) => reviewers)
    .map(({ reviewer: { id, login, slug } }) => ({ id, name: login ?? slug ?? String(id) }));

function reviewerChange(found: GitHubEnvironment, wanted: Attributes): string[] {
  const gone = reviewersOf(found).filter(({ id }) => !idsOf(wanted).includes(id));
  return gone.length === 0
    ? []
    : [`${count(gone.length, "reviewer")} removed (${gone.map(({ name }) => name).join(", ")})`];
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

function waitChange({ protection_rules = [] }: GitHubEnvironment, wanted: Attributes): string[] {
  const before = protection_rules.find(({ type }) => type === "wait_timer")?.wait_timer ?? 0;
  const after = wanted.wait_timer ?? 0;
  return before === after ? [] : [`the wait timer: ${before} -> ${after} minutes`];
}

async function removedReviewers(
  { stack, changes }: StackPlan,
  owner: string,
  { variables }: Workspace,
): Promise<string[]> {
  if (changes.some(({ type }) => type === ENVIRONMENT)) return [];
  const { resources = [] } = await readState({ ...stack, document: readStackDocument(stack) }, variables);
  const deployed = resources.find(({ mode, type }) => mode === "managed" && type === ENVIRONMENT);
  const known = (deployed?.instances[0]?.attributes ?? {}) as Attributes;
  if (known.environment === undefined || idsOf(known).length === 0) return [];
  const path = `${owner}/${known.repository}/environments/${encodeURIComponent(known.environment)}`;
  const found = await gitHubObject<GitHubEnvironment>(path, variables);
  if (found === undefined) return [];
  const present = reviewersOf(found).map(({ id }) => id);
  const gone = idsOf(known).filter((id) => !present.includes(id));
  if (gone.length === 0) return [];
  return [
    `${count(gone.length, "required reviewer")} of the environment ${known.environment} in GitHub (${gone.length === 1 ? "id" : "ids"} ${gone.join(", ")}) was removed by hand. Terraform's provider does not notice that, so no deploy adds them again. Add them in the repository: Settings > Environments > ${known.environment}.`,
  ];
}
