import type { Output } from "../terminal/output";
import {
  environmentOf,
  missingUpstream,
  type Outcome,
  planStack,
  readStackDocument,
  readState,
  type StackPlan,
  type SynthesizedStack,
  schedule,
  type TerraformEvent,
} from "../terraform";
import { stackInputs, type Workspace } from "../workspace";
import { explain, isHalted } from "./failure";
import { heldUpgrades, planWithVersion } from "./kubernetes-version";
import { withGitHubNotes } from "./overwritten";
import { watchSteps } from "./slow-steps";
import { explainUnfound, isClusterUnfound, whyUnfound } from "./unfound-cluster";

export interface PlanAllOptions {
  readonly workspace: Workspace;
  /** Every stack of the project, to know what is upstream. */
  readonly all: readonly SynthesizedStack[];
  readonly selected: readonly SynthesizedStack[];
  readonly output: Output;
  readonly destroy?: boolean;
  readonly stopped?: () => string | undefined;
}

export interface PlannedStacks {
  readonly plans: readonly StackPlan[];
  /** Stacks that couldn't be planned, with what terraform said. */
  readonly failures: ReadonlyArray<{ readonly stack: string; readonly message: string }>;
}

/**
 * Plans stacks side by side; no plan waits for another one. A stack whose upstream was never deployed is planned on assumed
 * outputs. Failures are collected, not thrown: the other plans are worth seeing.
 */
export async function planAll(options: PlanAllOptions): Promise<PlannedStacks> {
  const { workspace, all, selected, output, destroy } = options;
  const plan = async (
    stack: SynthesizedStack,
    assumed: readonly string[],
    hold?: string,
  ): Promise<StackPlan> => {
    const steps = watchSteps(stack.name, output, workspace.variables);
    return planOne(stack, assumed, steps.onEvent, hold).finally(() => steps.end());
  };
  const planOne = async (
    stack: SynthesizedStack,
    assumed: readonly string[],
    onEvent: (event: TerraformEvent) => void,
    hold?: string,
  ): Promise<StackPlan> => {
    // Without what it builds on it was never deployed.
    if (destroy && assumed.length > 0)
      return { stack, changes: [], outputsChange: false, assumed: [], destroy };
    const clusterGoesToo = selected.some((other) => other.name === `${environmentOf(stack)}-cluster`);
    output.progress(stack.name, destroy ? "planning its destruction" : "planning");
    const options = { variables: workspace.variables, assumed, onEvent };
    if (!destroy)
      return explainUnfound({ stack, all, workspace }, async () =>
        withGitHubNotes(
          await planWithVersion(
            stack,
            { ...options, inputs: stackInputs(workspace, stack) },
            workspace,
            hold,
          ),
          workspace,
        ),
      );
    const namespace = clusterGoesToo ? "forgotten" : "kept";
    try {
      return await planStack(stack, { ...options, destroy: { namespace } });
    } catch (error) {
      if (!isClusterUnfound(error)) throw error;
      const why = await whyUnfound(stack, all, workspace);
      if (why) throw why;
      const document = readStackDocument(stack);
      const { resources = [] } = await readState({ ...stack, document }, workspace.variables);
      const gone = resources
        .filter(({ mode, type }) => mode === "managed" && type.startsWith("kubernetes_"))
        .map(({ type, name }) => `${type}.${name}`);
      output.progress(stack.name, "its cluster is gone already: its objects are forgotten");
      return planStack(stack, { ...options, destroy: { namespace, gone } });
    }
  };
  const sideBySide = (
    stacks: readonly SynthesizedStack[],
    work: (stack: SynthesizedStack) => Promise<StackPlan>,
  ) =>
    schedule(
      stacks.map((stack) => ({ name: stack.name, dependencies: [], stack })),
      ({ stack }) => work(stack),
      { stopped: options.stopped },
    );

  const outcomes = await sideBySide(selected, async (stack) =>
    plan(stack, await missingUpstream(stack, all, workspace.variables)),
  );
  if (!destroy) {
    const held = await heldUpgrades(plansOf(outcomes), all, workspace);
    const kept = await sideBySide(
      selected.filter(({ name }) => held.has(name)),
      (stack) => plan(stack, [], held.get(stack.name)),
    );
    for (const [name, outcome] of kept) outcomes.set(name, outcome);
    // A cluster that will be created (again) isn't there to be asked, whatever the state says.
    const clusters = selected.filter(({ name }) => makesCluster(outcomes.get(name))).map(({ name }) => name);
    const affected = selected.filter(
      ({ name, dependencies }) =>
        dependencies.some((upstream) => clusters.includes(upstream)) && !isAssumed(outcomes.get(name)),
    );
    const again = await sideBySide(affected, (stack) => plan(stack, stack.dependencies));
    for (const [name, outcome] of again) outcomes.set(name, outcome);
  }
  const ordered = selected.map(({ name }) => [name, outcomes.get(name) as Outcome<StackPlan>] as const);
  return {
    plans: plansOf(new Map(ordered)),
    failures: ordered.flatMap(([stack, outcome]) =>
      outcome.kind === "done" ? [] : [{ stack, message: reasonOf(stack, outcome, options) }],
    ),
  };
}

function plansOf(outcomes: ReadonlyMap<string, Outcome<StackPlan>>): StackPlan[] {
  return [...outcomes.values()].flatMap((outcome) => (outcome.kind === "done" ? [outcome.result] : []));
}

/** Why a stack has no plan. One that an interrupt has ended, as one that was not begun for it, is no failure of terraform. */
function reasonOf(
  stack: string,
  outcome: Exclude<Outcome<StackPlan>, { kind: "done" }>,
  { stopped, destroy }: PlanAllOptions,
): string {
  if (outcome.kind === "skipped") return `${stack}: not planned, since ${outcome.because}`;
  const stop = stopped?.();
  const explained = explain(outcome.error, destroy ? "destroy" : "deploy");
  if (stop === undefined) return explained;
  return isHalted(outcome.error) ? `${stack}: not planned, since ${stop}` : `${stop}; ${explained}`;
}

function makesCluster(outcome: Outcome<StackPlan> | undefined): boolean {
  return (
    outcome?.kind === "done" &&
    outcome.result.changes.some(
      ({ type, action }) =>
        type === "digitalocean_kubernetes_cluster" && (action === "create" || action === "replace"),
    )
  );
}

function isAssumed(outcome: Outcome<StackPlan> | undefined): boolean {
  return outcome?.kind === "done" && outcome.result.assumed.length > 0;
}

/** What to print of failures: the same trouble of several stacks (no network, no terraform) once, with their names. */
export function failureMessages(failures: PlannedStacks["failures"]): string[] {
  const stacksOf = new Map<string, string[]>();
  for (const { stack, message } of failures) {
    const trouble = message.replaceAll(stack, "STACK");
    stacksOf.set(trouble, [...(stacksOf.get(trouble) ?? []), stack]);
  }
  return [...stacksOf].map(([trouble, stacks]) => {
    const [first = "", ...others] = stacks;
    return `${trouble.replaceAll("STACK", first)}${others.length > 0 ? `\n  (the same in ${others.join(", ")})` : ""}`;
  });
}
