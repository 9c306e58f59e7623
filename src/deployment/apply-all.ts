import { addressed } from "../place";
import { openStore } from "../state";
import type { Output } from "../terminal/output";
import { type Counts, count, planLines, summaryText } from "../terminal/plan-view";
import {
  environmentOf,
  hasChanges,
  missingUpstream,
  type Outcome,
  planStack,
  type ResourceChange,
  type StackPlan,
  type SynthesizedStack,
  schedule,
  stateOutputs,
  type TerraformEvent,
  Turns,
} from "../terraform";
import { stackInputs, type Workspace } from "../workspace";
import { applyAdopting } from "./adoption";
import { shrinkingEnvironments } from "./capacity";
import { type Continuation, explain, explainHalt, isHalted } from "./failure";
import { inUpgradeOrder, unfinishedUpgrade, upgradeOf, waitForUpgrade } from "./kubernetes-version";
import { type SlowSteps, watchSteps } from "./slow-steps";
import { keepBackup, recordingState } from "./state-record";
import { createsVpc } from "./taken-ranges";
import { explainUnfound } from "./unfound-cluster";
import { waitForPods } from "./wait-for-pods";
import { shrinksPool } from "./workload-pool";

export interface ApplyAllOptions {
  readonly workspace: Workspace;
  readonly all: readonly SynthesizedStack[];
  /** The plans that were shown and approved. */
  readonly plans: readonly StackPlan[];
  readonly output: Output;
  /** Asked when a plan had to be made again and does something else than the one that was shown. */
  readonly approve: (plan: StackPlan) => Promise<boolean>;
  readonly stopped: () => string | undefined;
  /** How long a cluster stack that takes nodes away waits for the pods to fit on the others; 0: not at all. */
  readonly podTimeoutSeconds?: number;
  /** See AdoptingOptions. */
  readonly adopt?: readonly string[];
}

/** An apply waits for the clouds and not for processors: a cluster takes minutes, on a runner with two cores as well. */
const AT_ONCE = 4;

/** How a stack ended. */
export interface StackResult {
  readonly name: string;
  readonly status: "applied" | "unchanged" | "failed" | "partly applied" | "interrupted" | "not begun";
  readonly counts: Counts;
  readonly message?: string;
  /** Addresses of objects that were in the cloud already and have been imported. */
  readonly adopted?: readonly string[];
}

/**
 * Applies approved plans in the order of their dependencies, independent stacks side by side. The very plan that was shown
 * is applied, after a copy of the state was kept. Only where the outputs that a stack reads have changed meanwhile (they were assumed, or an upstream stack got
 * new ones), it is planned again; when that plan does something else than what was shown, it has to be approved again.
 */
export async function applyAll(options: ApplyAllOptions): Promise<StackResult[]> {
  const { plans, all, workspace, stopped } = options;
  const shown = new Map(plans.map((plan) => [plan.stack.name, plan]));
  const isProduction = (environment: string): boolean =>
    workspace.project.environments.some(({ name, production }) => name === environment && production);
  const tasks = inUpgradeOrder(
    inCapacityOrder(
      all.filter(({ name }) => shown.has(name)),
      shrinkingEnvironments(plans),
    ),
    plans,
    isProduction,
  );
  const reverse = plans.some(({ destroy }) => destroy);
  const outputsBefore = new Map<string, string>();
  for (const stack of tasks)
    outputsBefore.set(stack.name, JSON.stringify(await stateOutputs(stack, workspace.variables)));
  const renewed = new Set<string>();
  const progress = new Map<string, ResourceChange[]>();
  const store = await openStore(workspace);

  const upgradesProduction = plans.some(
    (plan) => upgradeOf(plan) !== undefined && isProduction(environmentOf(plan.stack)),
  );
  /** What production's upgrade comes after: the upgrade that a plan makes, or else one that an earlier deploy has begun. */
  const waitUntilUpgraded = async (stack: SynthesizedStack, plan: StackPlan): Promise<void> => {
    const comesFirst = upgradesProduction && !isProduction(environmentOf(stack));
    const upgrade = upgradeOf(plan) ?? (comesFirst && (await unfinishedUpgrade(stack, workspace)));
    if (upgrade) await waitForUpgrade({ stack, upgrade, workspace, output: options.output, stopped });
  };

  // DigitalOcean refuses to make two VPCs at once, and its provider waits within one run of terraform only.
  const vpcTurns = new Turns();

  const applyOne = async (stack: SynthesizedStack): Promise<StackResult> => {
    const approved = shown.get(stack.name) as StackPlan;
    const upstream = all.find(({ name }) => name === stack.name)?.dependencies ?? [];
    const stale = approved.assumed.length > 0 || upstream.some((name) => renewed.has(name));
    const plan = stale && !approved.destroy ? await planAgain(stack, approved, options) : approved;
    if (!hasChanges(plan)) {
      await waitUntilUpgraded(stack, plan);
      return { name: stack.name, status: "unchanged", counts: count([]) };
    }
    if (shrinksPool(plan)) await podsFit(plan, options);
    await keepBackup(store, stack.name, options.output);
    const vpcIsMade = createsVpc(plan) ? await vpcTurns.take() : () => undefined;
    return applyInTurn(stack, plan, vpcIsMade).finally(vpcIsMade);
  };

  const applyInTurn = async (
    stack: SynthesizedStack,
    plan: StackPlan,
    vpcIsMade: () => void,
  ): Promise<StackResult> => {
    // An interrupt while this stack was planned or waited for: no terraform was there to hear of it.
    const stop = stopped();
    if (stop) return { name: stack.name, status: "not begun", counts: count([]), message: stop };
    const done: ResourceChange[] = [];
    progress.set(stack.name, done);
    const adopted = await recordingState({ stack, store, workspace, output: options.output }, async () => {
      const steps = watchSteps(stack.name, options.output, workspace.variables);
      const taken = await applyAdopting(plan, {
        ...options,
        stack,
        report: (applied) => {
          // The network was there already, and is imported.
          if (!createsVpc(applied)) vpcIsMade();
          const told = report(applied, done, options.output, steps);
          return (event) => {
            told(event);
            if (event.type === "apply_complete" && isVpc(event)) vpcIsMade();
          };
        },
      }).finally(() => steps.end());
      await waitUntilUpgraded(stack, plan);
      return taken;
    });
    const after = JSON.stringify(await stateOutputs(stack, workspace.variables));
    if (after !== outputsBefore.get(stack.name)) renewed.add(stack.name);
    const counts = count(adopted.length > 0 ? done : plan.changes);
    const taken = adopted.length > 0 ? `, ${adopted.length} imported` : "";
    options.output.progress(stack.name, `done: ${summaryText(counts)}${taken}`);
    return { name: stack.name, status: "applied", counts, ...(adopted.length > 0 ? { adopted } : {}) };
  };

  const outcomes = await schedule(
    tasks,
    (stack) =>
      applyOne(stack).catch((error: unknown) => {
        // Others may go on for minutes.
        if (stopped() === undefined) options.output.progress(stack.name, "failed; see the summary");
        throw error;
      }),
    { stopped, reverse, concurrency: AT_ONCE },
  );
  return tasks.map(({ name }) =>
    resultOf(name, outcomes.get(name) as Outcome<StackResult>, progress.get(name), {
      stop: stopped(),
      next: reverse ? "destroy" : "deploy",
    }),
  );
}

function isVpc({ hook }: TerraformEvent): boolean {
  return hook?.action === "create" && hook.resource?.addr.startsWith("digitalocean_vpc.") === true;
}

/** Where capacity shrinks, what Flux sizes the applications from goes before the cluster instead of after it. */
function inCapacityOrder(
  stacks: readonly SynthesizedStack[],
  shrinking: readonly string[],
): SynthesizedStack[] {
  return stacks.map((stack) => {
    const environment = environmentOf(stack);
    const [cluster, flux] = [`${environment}-cluster`, `${environment}-flux-configuration`];
    if (!shrinking.includes(environment)) return stack;
    if (stack.name === cluster) return { ...stack, dependencies: [flux] };
    return stack.name === flux
      ? { ...stack, dependencies: stack.dependencies.filter((name) => name !== cluster) }
      : stack;
  });
}

async function podsFit(
  { stack }: StackPlan,
  { workspace, output, stopped, podTimeoutSeconds = 0 }: ApplyAllOptions,
): Promise<void> {
  const environment = workspace.project.environments.find(({ name }) => name === environmentOf(stack));
  const { cluster_id: clusterId } = await stateOutputs(stack, workspace.variables);
  if (environment === undefined || typeof clusterId !== "string") return;
  await waitForPods({
    stack: stack.name,
    environment,
    clusterId,
    variables: workspace.variables,
    output,
    timeoutSeconds: podTimeoutSeconds,
    stopped,
    sandbox: workspace.sandbox !== undefined,
    npmRun: workspace.npmRun,
  });
}

async function planAgain(
  stack: SynthesizedStack,
  approved: StackPlan,
  { workspace, all, output, approve }: ApplyAllOptions,
): Promise<StackPlan> {
  const missing = await missingUpstream(stack, all, workspace.variables);
  if (missing.length > 0)
    throw new Error(
      `${stack.name}: ${missing.join(", ")} has no outputs yet; deploy it first (leave --stack out, or name it too)`,
    );
  output.progress(stack.name, "planning on real outputs");
  const plan = await explainUnfound({ stack, all, workspace }, () =>
    planStack(stack, { variables: workspace.variables, inputs: stackInputs(workspace, stack) }),
  );
  if (fingerprint(plan) === fingerprint(approved)) return plan;
  output.line(["", "This plan differs from the one that was shown:", ...planLines(plan)].join("\n"));
  if (await approve(plan)) return plan;
  throw new Error(`${stack.name}: the new plan was not approved`);
}

/** What a plan does to which resource; the values that were unknown before don't count. */
function fingerprint({ changes }: StackPlan): string {
  return changes
    .map(({ address, action }) => `${action} ${address}`)
    .sort()
    .join("\n");
}

/** Tells each finished resource, and remembers it for the case that the rest fails. */
function report(
  plan: StackPlan,
  done: ResourceChange[],
  output: Output,
  steps: SlowSteps,
): (event: TerraformEvent) => void {
  return (event) => {
    steps.onEvent(event);
    const address = event.hook?.resource?.addr;
    const isCommandItself = event.hook?.output?.startsWith("Executing: ");
    if (event.type === "provision_progress" && event.hook?.output && !isCommandItself)
      output.progress(plan.stack.name, addressed(plan.stack.directory, event.hook.output.trim()));
    if (event.type !== "apply_complete" || address === undefined) return;
    const change = plan.changes.find((candidate) => candidate.address === address);
    if (change && !done.includes(change)) done.push(change);
    output.progress(plan.stack.name, `${PAST[event.hook?.action ?? ""] ?? "done"} ${address}`);
  };
}

const PAST: Readonly<Record<string, string>> = {
  create: "created",
  update: "changed",
  delete: "destroyed",
  replace: "replaced",
};

function resultOf(
  name: string,
  outcome: Outcome<StackResult>,
  done: readonly ResourceChange[] | undefined,
  { stop, next }: { readonly stop: string | undefined; readonly next: Continuation },
): StackResult {
  if (outcome.kind === "done") return outcome.result;
  if (outcome.kind === "skipped")
    return { name, status: "not begun", counts: count([]), message: outcome.because };
  const counts = count(done ?? []);
  if (stop && isHalted(outcome.error)) {
    const message = `${stop}; ${explainHalt(outcome.error)}`;
    return { name, status: "interrupted", counts, message };
  }
  return {
    name,
    status: done === undefined || done.length === 0 ? "failed" : "partly applied",
    counts,
    message: `${stop ? `${stop}; ` : ""}${explain(outcome.error, next)}`,
  };
}
