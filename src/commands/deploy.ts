import { type Command, Option } from "commander";
import { requireAdoptable } from "../deployment/adoption";
import { applyAll, type StackResult } from "../deployment/apply-all";
import { catchUp } from "../deployment/catch-up";
import {
  type Course,
  checkoutStanding,
  courseFrom,
  IF_BEHIND,
  type IfBehind,
} from "../deployment/checkout-standing";
import { type FluxOutcome, fluxObstacle, installFlux, isFluxComplete } from "../deployment/flux-installation";
import {
  INTERRUPTED_EXIT_CODE,
  Interrupted,
  type Interruption,
  orInterrupted,
  watchInterruption,
} from "../deployment/interruption";
import { withoutChanges } from "../deployment/kubernetes-version";
import { refuseLost } from "../deployment/lost-states";
import { failureMessages, planAll } from "../deployment/plan-all";
import { explainPlannedAgain, plannedAgain } from "../deployment/planned-again";
import { requirePublishable } from "../deployment/publication";
import { acceptSealing, explainSealing, synthesizeSealed } from "../deployment/sealing";
import { selectStacks } from "../deployment/selection";
import { setWaitingSecrets } from "../deployment/waiting-secrets";
import { applicationSecrets } from "../secrets/applications";
import { openSecrets } from "../secrets/inventory";
import { confirm, isInteractive } from "../terminal/confirm";
import { Output } from "../terminal/output";
import { addCounts, count, showPlans, summaryTable, summaryText } from "../terminal/plan-view";
import {
  environmentOf,
  hasChanges,
  missingUpstream,
  type StackPlan,
  type SynthesizedStack,
  stateOutputs,
} from "../terraform";
import { configurationNotes, openWorkspace, type Workspace } from "../workspace";
import { DangerGate, type Refusal } from "./danger-gate";
import { type CommonOptions, command, sandboxName, seconds } from "./options";

interface DeployOptions extends CommonOptions {
  readonly push?: boolean;
  readonly requireFlux?: boolean;
  readonly confirm?: string[];
  readonly podTimeout: number;
  readonly adopt?: string[];
  readonly ifBehind?: IfBehind;
}

/** What a deploy did. */
export interface DeployReport {
  readonly stacks: readonly StackResult[];
  /** 0: done; 1: something failed or was not approved; 130: interrupted. */
  readonly exitCode: number;
  /** Why the plan was refused before anything was touched. */
  readonly refused?: readonly Refusal[];
  /** Why nothing was planned from this checkout. */
  readonly notDeployed?: string;
  /** How each environment came to its Flux; empty in a sandbox. */
  readonly flux?: readonly FluxOutcome[];
}

export function deployCommand(): Command {
  return command(
    "deploy",
    "Create or change the clusters, configure flux/, write the ConfigMaps, set the GitHub secrets",
    ["selection", "sandbox", "allow", "yes", "json"],
  )
    .option(
      "--confirm <cluster...>",
      "with --allow, where nobody can type it: the name of the production cluster that it is about",
    )
    .option(
      "--pod-timeout <seconds>",
      "where nodes go or get smaller: how long to wait until the pods fit on the others (0: don't look)",
      seconds,
      900,
    )
    .option(
      "--adopt <address...>",
      "import what is in the cloud and not in the state, when it has the name of these resources (with --stack)",
    )
    .option(
      "--push",
      "commit and push the configuration, flux/ and secrets/ afterwards, so that Flux sees them",
    )
    .addOption(
      new Option(
        "--if-behind <what>",
        "when commits of the branch that Flux reads are missing in the checkout, or that is unknown: ask (without a terminal: refuse), skip this deploy (refuse it when that is unknown), or deploy",
      )
        .choices(IF_BEHIND)
        .default("ask"),
    )
    .option(
      "--require-flux",
      "fail when Flux was left out in an environment, also for a reason; so does CI=true",
    )
    .action(async (options: DeployOptions) => {
      const output = new Output(options.json ?? false);
      const workspace = await openWorkspace({ command: "deploy", sandbox: sandboxName(options) });
      const interruption = watchInterruption(output);
      try {
        const report = await deploy({ workspace, output, interruption, options });
        output.result(report);
        process.exitCode = report.exitCode;
      } finally {
        interruption.end();
        await workspace.close();
      }
    });
}

export interface Deployment {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly interruption: Interruption;
  readonly options: Pick<
    DeployOptions,
    "environment" | "stack" | "yes" | "push" | "requireFlux" | "allow" | "confirm" | "adopt" | "ifBehind"
  > &
    Partial<Pick<DeployOptions, "podTimeout">>;
}

/** Plans, shows, asks, applies and says what comes next. */
export async function deploy(deployment: Deployment): Promise<DeployReport> {
  const { workspace, output, interruption, options } = deployment;
  const course = await orInterrupted(interruption, courseOf(deployment));
  if (course.course !== "deploy") return notDeployed(output, course);
  if (course.note) output.problem(`Note: ${course.note}`);
  const { all, sealing } = await orInterrupted(interruption, synthesizeSealed(workspace, options, true));
  const selected = selectStacks(all, { environments: options.environment, stacks: options.stack });
  await refuseLost(workspace, all, { selected, output });
  await requireUpstream(workspace, all, selected);
  for (const note of configurationNotes(workspace)) output.problem(`Note: ${note}`);
  output.heading("Plan");
  const { plans, failures } = await planAll({
    workspace,
    all,
    selected,
    output,
    stopped: interruption.reason,
  });
  showPlans(output, plans);
  for (const line of explainSealing(workspace, sealing)) output.line(`\n${line}`);
  // With a plan that failed it isn't known what there is to take over, and nothing will be.
  if (failures.length === 0) requireAdoptable(options.adopt ?? [], plans);
  const gate = await DangerGate.open({
    workspace,
    output,
    stopped: interruption.reason,
    all,
    selected,
    plans,
    failures,
    adopt: options.adopt,
    permission: options,
  });
  if (failures.length > 0) {
    for (const message of failureMessages(failures)) output.problem(`\n${message}`);
    if (gate.refusals.length > 0) output.problem(`\n${gate.explanation()}`);
    output.problem("\nNothing was changed.");
    return {
      stacks: failures.map(({ stack, message }) => ({
        name: stack,
        status: "failed",
        counts: count([]),
        message,
      })),
      exitCode: failureCode(interruption),
      ...(gate.refusals.length > 0 ? { refused: gate.refusals } : {}),
    };
  }
  const interrupted = interruption.reason();
  if (interrupted !== undefined) throw new Interrupted(interrupted);
  if (gate.refusals.length > 0) {
    output.problem(`\n${gate.explanation()}\n\nNothing was changed.`);
    return { stacks: plans.map(unchanged), exitCode: 1, refused: gate.refusals };
  }
  const changed = plans.filter(hasChanges);
  if (changed.length === 0) {
    acceptSealing(workspace, sealing, output);
    await catchUp(deployment, plans);
    output.line(`\nNothing to change: ${withoutChanges(plans)}`);
    return withFlux(deployment, all, selected, plans.map(unchanged), 0);
  }
  for (const line of explainPlannedAgain(plannedAgain(plans))) output.line(`\n${line}`);
  output.line(`\nIn all: ${summaryText(addCounts(plans.map(({ changes }) => count(changes))))}`);
  if (!(await gate.namesAreTyped()) || !(await approved(deployment, course.question))) {
    output.line("Nothing was changed.");
    return { stacks: plans.map(unchanged), exitCode: failureCode(interruption) };
  }
  output.heading("Apply");
  acceptSealing(workspace, sealing, output);
  await catchUp(deployment, plans);
  const approve = async (plan: StackPlan): Promise<boolean> =>
    (await gate.lets(plan)) && (options.yes || (isInteractive() && confirm("Apply this plan?")));
  const stopped = interruption.reason;
  const applied = await applyAll({
    workspace,
    all,
    plans,
    output,
    stopped,
    podTimeoutSeconds: options.podTimeout,
    adopt: options.adopt,
    approve,
  });
  const { waiting } = sealing;
  const stacks = await setWaitingSecrets({ workspace, output, options, waiting, stopped, approve }, applied);
  return finish(deployment, all, selected, stacks);
}

/** Whether a deploy goes on from where the checkout stands to the branch that Flux reads. */
async function courseOf({ workspace, options }: Deployment): Promise<Course> {
  // Found out now, and not after everything else is done.
  if (options.push && workspace.sandbox === undefined)
    await requirePublishable(workspace.directory, workspace.project.github, workspace.variables);
  return courseFrom(await checkoutStanding(workspace), {
    ifBehind: options.ifBehind ?? "ask",
    interactive: isInteractive() && !options.yes,
    ci: workspace.variables.CI === "true",
  });
}

function notDeployed(
  output: Output,
  { course, message }: Exclude<Course, { readonly course: "deploy" }>,
): DeployReport {
  output.problem(message);
  if (course === "skip" && process.env.GITHUB_ACTIONS) output.line(`::notice title=Not deployed::${message}`);
  return { stacks: [], exitCode: course === "skip" ? 0 : 1, notDeployed: message };
}

async function finish(
  deployment: Deployment,
  all: readonly SynthesizedStack[],
  selected: readonly SynthesizedStack[],
  stacks: readonly StackResult[],
): Promise<DeployReport> {
  const { output, interruption } = deployment;
  reportStacks(output, stacks);
  const incomplete = stacks.filter(({ status }) => status !== "applied" && status !== "unchanged");
  if (incomplete.length > 0)
    output.problem(
      `\nThe deployment is not complete. What was done is in the state; \`${deployment.workspace.npmRun("deploy")}\` goes on from there.`,
    );
  return withFlux(deployment, all, selected, stacks, incomplete.length === 0 ? 0 : failureCode(interruption));
}

async function withFlux(
  deployment: Deployment,
  all: readonly SynthesizedStack[],
  selected: readonly SynthesizedStack[],
  stacks: readonly StackResult[],
  exitCode: number,
): Promise<DeployReport> {
  const flux = await afterDeploy(deployment, all, selected, stacks);
  const { workspace, output, options } = deployment;
  const isRequired = options.requireFlux ?? workspace.variables.CI === "true";
  const isComplete = isFluxComplete(flux, isRequired, output);
  return { stacks, exitCode: exitCode === 0 && !isComplete ? 1 : exitCode, flux };
}

/** The one summary of an apply: a row per stack, then what went wrong. */
export function reportStacks(
  output: Output,
  stacks: ReadonlyArray<StackResult & { readonly remark?: string }>,
): void {
  output.heading("Summary");
  output.line(
    summaryTable(stacks.map(({ name, counts, status, remark = status }) => ({ name, counts, remark }))),
  );
  for (const { name, status, message } of stacks) {
    if (status === "failed" || status === "partly applied" || status === "interrupted")
      output.problem(`\n${name} (${status}): ${message}`);
    if (status === "not begun") output.problem(`\n${name}: not begun, since ${message}`);
  }
}

/** Upstream stacks that aren't part of this deploy have to be there already. */
async function requireUpstream(
  workspace: Workspace,
  all: readonly SynthesizedStack[],
  selected: readonly SynthesizedStack[],
): Promise<void> {
  const names = new Set(selected.map(({ name }) => name));
  const needed = new Set<string>();
  for (const stack of selected) {
    for (const upstream of await missingUpstream(stack, all, workspace.variables))
      if (!names.has(upstream)) needed.add(upstream);
  }
  if (needed.size > 0) {
    throw new Error(
      `${[...needed].join(", ")} must be deployed first: add ${[...needed].map((name) => `--stack ${name}`).join(" ")}, or leave --stack out`,
    );
  }
}

async function approved({ options, output }: Deployment, question = ""): Promise<boolean> {
  if (options.yes) return true;
  if (!isInteractive()) {
    output.problem(
      "\nThis plan needs approval, but this is not a terminal. Pass --yes to apply it without a question.",
    );
    return false;
  }
  return confirm(
    question === ""
      ? "\nApply this plan? Only yes applies it."
      : `\n${question} Apply this plan all the same? Only yes applies it.`,
  );
}

function unchanged({ stack }: StackPlan): StackResult {
  return { name: stack.name, status: "unchanged", counts: count([]) };
}

function failureCode(interruption: Interruption): number {
  return interruption.reason() ? INTERRUPTED_EXIT_CODE : 1;
}

/**
 * What Flux needs after terraform is done: the configured tree in the branch that it reads, and itself in every cluster whose own stacks
 * are deployed, whatever became of other stacks and environments.
 */
async function afterDeploy(
  deployment: Deployment,
  all: readonly SynthesizedStack[],
  selected: readonly SynthesizedStack[],
  stacks: readonly StackResult[],
): Promise<FluxOutcome[]> {
  const { workspace, output, options, interruption } = deployment;
  const { project, directory, variables } = workspace;
  if (interruption.reason() !== undefined) return [];
  output.heading("Flux");
  noteAbsentSecrets(deployment, selected);
  if (workspace.sandbox !== undefined) {
    output.line(
      "Left out in the sandbox: it publishes nothing, so this checkout isn't compared with its remote branch, and `flux bootstrap` needs a real cluster and a real GitHub repository to install Flux into.",
    );
    return [];
  }
  return installFlux({
    directory,
    variables,
    output,
    github: project.github,
    environments: [...new Set(selected.map(environmentOf))].map((name) => ({
      name,
      obstacle: fluxObstacle(name, stacks),
    })),
    clusterId: async (environment) => {
      const cluster = all.find(({ name }) => name === `${environment}-cluster`);
      return String((cluster ? await stateOutputs(cluster, variables) : {}).cluster_id);
    },
    push: options.push,
    anotherRepository: options.allow?.includes("repository-change"),
  });
}

/** Applications wait for secrets that nobody has created; nothing else has to. */
function noteAbsentSecrets({ workspace, output }: Deployment, selected: readonly SynthesizedStack[]): void {
  const { directory, variables } = workspace;
  const absent = [...new Set(selected.map(environmentOf))].map((environment) => {
    const open = openSecrets({ directory, environment, declared: applicationSecrets, variables });
    return { environment, count: open.length };
  });
  const told = absent
    .filter(({ count }) => count > 0)
    .map(({ environment, count }) => `${count} in ${environment}`);
  if (told.length > 0)
    output.line(
      `Secrets that applications wait for are not created yet (${told.join(", ")}): ${workspace.npmRun("secrets", "create")}`,
    );
}
