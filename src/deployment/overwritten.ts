import {
  GITHUB_ENVIRONMENT as ENVIRONMENT,
  namesOfReviewers,
  type ReviewedEnvironment,
  type ReviewerId,
  readPlan,
  readState,
  reviewerIds,
  type StackPlan,
  type StateDocument,
} from "../terraform";
import type { Workspace } from "../workspace";
import { gitHubList, gitHubObject } from "./cloud-api";
import { deployedAttributes } from "./deployed-value";
import { type BranchPolicy, openEnvironmentNotes, openTo } from "./open-environments";

/** The attribute of an environment that says who has to approve. */
const REVIEWERS = "reviewers";
/** What GitHub writes over what is there, by type: in an environment, or in the repository. */
const VARIABLES = ["github_actions_environment_variable", "github_actions_variable"];
const SECRETS = ["github_actions_environment_secret", "github_actions_secret"];
const WRITTEN_OVER = [ENVIRONMENT, ...VARIABLES, ...SECRETS];

/** An environment as GitHub's API has it, as far as it is compared. */
interface GitHubEnvironment {
  readonly deployment_branch_policy?: BranchPolicy | null;
  readonly protection_rules?: ReadonlyArray<{
    readonly type: string;
    readonly wait_timer?: number;
    readonly reviewers?: ReadonlyArray<{
      readonly type?: string;
      readonly reviewer: { readonly id: number; readonly login?: string; readonly slug?: string };
    }>;
  }>;
}

/** Attributes of a resource as a plan or a state has them; absent: known after the apply only. */
interface Attributes extends ReviewedEnvironment {
  readonly repository?: string;
  readonly environment?: string;
  readonly variable_name?: string;
  readonly secret_name?: string;
  readonly value?: string;
  readonly wait_timer?: number | null;
}

/**
 * What nobody sees in a plan of GitHub's provider. It writes an environment, variables and secrets over those that exist, and does
 * not notice reviewers that were removed by hand, nor policies that let other branches use the environment.
 * @returns the plan with names for the reviewers that it only has ids of, and with a note about each of the others
 */
export async function withGitHubNotes(planned: StackPlan, workspace: Workspace): Promise<StackPlan> {
  const { github } = workspace.project;
  if (github === undefined || !planned.stack.name.endsWith("-github-secrets")) return planned;
  let plan = planned;
  try {
    plan = await withReviewerNames(planned, github.owner, workspace);
    const creates = plan.changes.some(
      ({ type, action }) => action === "create" && WRITTEN_OVER.includes(type),
    );
    const notes = [
      ...(creates ? await overwritten(plan, github.owner, workspace) : []),
      ...(await removedReviewers(plan, github.owner, workspace)),
      ...(await openEnvironmentNotes(plan, workspace)),
    ];
    return notes.length === 0 ? plan : { ...plan, notes: [...(plan.notes ?? []), ...notes] };
  } catch (error) {
    const note = `What GitHub has already could not be compared with the plan: ${(error as Error).message}`;
    return { ...plan, notes: [...(plan.notes ?? []), note] };
  }
}

async function overwritten({ stack }: StackPlan, owner: string, { variables }: Workspace): Promise<string[]> {
  const { resource_changes = [] } = await readPlan(stack, variables);
  const created = resource_changes
    .filter(({ type, change }) => WRITTEN_OVER.includes(type) && change.actions.join() === "create")
    .map(({ type, change }) => ({ type, wanted: change.after as Attributes }));
  const places = new Set(
    created.map(({ wanted }) => `${owner}/${wanted.repository}\n${wanted.environment ?? ""}`),
  );
  const notes = [...places].map(async (place): Promise<string[]> => {
    const [repository = "", environment = ""] = place.split("\n");
    const here = created.filter(({ wanted }) => (wanted.environment ?? "") === environment);
    const changes = await changesIn({ repository, environment, created: here, variables });
    const where = environment === "" ? repository : `the environment ${environment} of ${repository}`;
    return changes.length === 0
      ? []
      : [
          `A deploy overwrites what ${where} has in GitHub already, and the state does not: ${changes.join("; ")}.`,
        ];
  });
  return (await Promise.all(notes)).flat();
}

interface Place {
  readonly repository: string;
  /** Empty: the repository itself. */
  readonly environment: string;
  readonly created: ReadonlyArray<{ readonly type: string; readonly wanted: Attributes }>;
  readonly variables: Workspace["variables"];
}

async function changesIn({ repository, environment, created, variables }: Place): Promise<string[]> {
  const path = environment === "" ? "actions" : `environments/${encodeURIComponent(environment)}`;
  const found =
    environment === "" ? {} : await gitHubObject<GitHubEnvironment>(`${repository}/${path}`, variables);
  if (found === undefined) return [];
  const ofType = (...types: string[]): Attributes[] =>
    created.filter(({ type }) => types.includes(type)).map(({ wanted }) => wanted);
  const existing = async (list: "variables" | "secrets", wanted: readonly Attributes[]) =>
    wanted.length === 0 ? [] : (await gitHubList(repository, `${path}/${list}`, list, variables)).objects;
  const [wantedVariables, wantedSecrets] = [ofType(...VARIABLES), ofType(...SECRETS)];
  const [existingVariables, existingSecrets] = await Promise.all([
    existing("variables", wantedVariables),
    existing("secrets", wantedSecrets),
  ]);
  return [
    ...wantedVariables.flatMap(({ variable_name, value }) => {
      const before = existingVariables.find(({ name }) => name === variable_name?.toUpperCase())?.value;
      return before === undefined || before === value
        ? []
        : [
            `the variable ${variable_name}: ${JSON.stringify(before)} -> ${value === undefined ? "(new)" : JSON.stringify(value)}`,
          ];
    }),
    ...wantedSecrets.flatMap(({ secret_name }) =>
      existingSecrets.some(({ name }) => name === secret_name?.toUpperCase())
        ? [`the secret ${secret_name}`]
        : [],
    ),
    ...ofType(ENVIRONMENT).flatMap((wanted) => [
      ...reviewerChange(found, wanted),
      ...waitChange(found, wanted),
      ...policyChange(found),
    ]),
  ];
}

const reviewersOf = ({ protection_rules = [] }: GitHubEnvironment) =>
  protection_rules
    .flatMap(({ reviewers = [] }) => reviewers)
    .map(({ type, reviewer: { id, login, slug } }) => {
      const kind = type === "Team" || login === undefined ? "team" : "user";
      const reviewerId: ReviewerId = `${kind} ${id}`;
      return { id: reviewerId, name: login ?? (slug === undefined ? reviewerId : `team ${slug}`) };
    });

/** What the data sources of earlier deploys have read: a plan no longer has those of reviewers that the configuration dropped. */
const namesInState = ({ resources = [] }: StateDocument): Map<ReviewerId, string> =>
  namesOfReviewers(
    resources.flatMap(({ mode, type, instances }) =>
      mode === "data" ? instances.map(({ attributes }) => ({ type, values: attributes })) : [],
    ),
  );

/** A plan whose reviewers all have names, as far as the state or GitHub knows them: who may approve must not be read from ids. */
async function withReviewerNames(plan: StackPlan, owner: string, workspace: Workspace): Promise<StackPlan> {
  const named = (names: ReadonlyMap<string, string>, current: StackPlan): StackPlan => ({
    ...current,
    changes: current.changes.map((change) =>
      change.type !== ENVIRONMENT
        ? change
        : {
            ...change,
            attributes: change.attributes.map((attribute) =>
              attribute.path !== REVIEWERS
                ? attribute
                : {
                    ...attribute,
                    before: (attribute.before as string[]).map((one) => names.get(one) ?? one),
                    after: (attribute.after as string[]).map((one) => names.get(one) ?? one),
                  },
            ),
          },
    ),
  });
  const isNameless = ({ changes }: StackPlan): boolean =>
    changes
      .filter(({ type }) => type === ENVIRONMENT)
      .flatMap(({ attributes }) => attributes.filter(({ path }) => path === REVIEWERS))
      .flatMap(({ before, after }) => [...(before as string[]), ...(after as string[])])
      .some((one) => /^(?:user|team) \d+$/.test(one));
  if (!isNameless(plan)) return plan;
  const state = await readState(plan.stack, workspace.variables);
  const known = named(namesInState(state), plan);
  if (!isNameless(known)) return known;
  const deployed = environmentIn(state);
  const found = await gitHubEnvironment(owner, deployed, workspace);
  return found === undefined
    ? known
    : named(new Map(reviewersOf(found).map(({ id, name }) => [id, name])), known);
}

const environmentIn = (state: StateDocument): Attributes =>
  (deployedAttributes(state, ENVIRONMENT) ?? {}) as Attributes;

async function gitHubEnvironment(
  owner: string,
  { repository, environment }: Attributes,
  { variables }: Workspace,
): Promise<GitHubEnvironment | undefined> {
  if (environment === undefined) return undefined;
  const path = `${owner}/${repository}/environments/${encodeURIComponent(environment)}`;
  return gitHubObject<GitHubEnvironment>(path, variables);
}

function reviewerChange(found: GitHubEnvironment, wanted: Attributes): string[] {
  const gone = reviewersOf(found).filter(({ id }) => !reviewerIds(wanted).includes(id));
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

function policyChange({ deployment_branch_policy: policy }: GitHubEnvironment): string[] {
  const before = openTo(policy);
  return before === undefined ? [] : [`the branches that may use it: ${before} -> the one that Flux reads`];
}

async function removedReviewers(plan: StackPlan, owner: string, workspace: Workspace): Promise<string[]> {
  if (plan.changes.some(({ type }) => type === ENVIRONMENT)) return [];
  const state = await readState(plan.stack, workspace.variables);
  const known = environmentIn(state);
  if (reviewerIds(known).length === 0) return [];
  const found = await gitHubEnvironment(owner, known, workspace);
  if (found === undefined) return [];
  const present = reviewersOf(found).map(({ id }) => id);
  const names = namesInState(state);
  const gone = reviewerIds(known).filter((id) => !present.includes(id));
  if (gone.length === 0) return [];
  return [
    `${count(gone.length, "required reviewer")} of the environment ${known.environment} in GitHub (${gone.map((id) => names.get(id) ?? id).join(", ")}) ${gone.length === 1 ? "was" : "were"} removed by hand. Terraform's provider does not notice that, so no deploy adds them again. Add them in the repository: Settings > Environments > ${known.environment}.`,
  ];
}
