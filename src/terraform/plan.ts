import { rmSync } from "node:fs";
import { join } from "node:path";
import { assumedCopy, dropAssumed } from "./assumed-outputs";
import {
  type LostObject,
  lostObjects,
  type ResourceChange,
  type TerraformPlan,
  toResourceChanges,
} from "./changes";
import { emptiedCopy, forgettingCopy, type NamespaceFate } from "./emptied-stack";
import { type Import, importingCopy } from "./importing-stack";
import { initialise } from "./initialise";
import type { SynthesizedStack } from "./stacks";
import {
  type Inputs,
  runTerraform,
  TerraformError,
  type TerraformEvent,
  type TerraformRun,
} from "./terraform";
import { upgradingCopy } from "./upgrading-stack";

/** The environment variables that terraform runs with: credentials, and in the sandbox where the providers are. */
export type Variables = Readonly<Record<string, string | undefined>>;

export interface PlanOptions {
  readonly variables: Variables;
  /** Values of the stack's input variables. Ephemeral ones are in no plan, so that applying it needs them again. */
  readonly inputs?: Inputs;
  /** Plan the destruction of everything in the stack that isn't protected. */
  readonly destroy?: {
    readonly namespace: NamespaceFate;
    /** Addresses of objects whose cluster is gone: they are forgotten. */
    readonly gone?: readonly string[];
  };
  /** Names of upstream stacks that have no state: their outputs are assumed, and the plan can't be applied. */
  readonly assumed?: readonly string[];
  /** Objects that are in the cloud and shall come into the state. */
  readonly imports?: readonly Import[];
  /** Let the clusters of the stack follow the configured Kubernetes version. */
  readonly upgrade?: boolean;
  readonly onEvent?: (event: TerraformEvent) => void;
}

export interface StackPlan {
  readonly stack: SynthesizedStack;
  readonly changes: readonly ResourceChange[];
  /** Outputs that change count as a change, since other stacks read them. */
  readonly outputsChange: boolean;
  /** The names of the outputs that change. */
  readonly changedOutputs?: readonly string[];
  /** The upstream stacks whose outputs had to be assumed. */
  readonly assumed: readonly string[];
  readonly destroy: boolean;
  /** The clouds are no longer as the state has them; without changes they are as the configuration wants them. */
  readonly drifted?: boolean;
  /** What the state has and the refresh did not find, of a plan that changes something. */
  readonly lost?: readonly LostObject[];
  /** By address: what objects are now that somebody else has changed since the state was written. */
  readonly found?: ReadonlyMap<string, unknown>;
  /** What people need to know beside the changes; it blocks nothing. */
  readonly notes?: readonly string[];
  /** The configuration wants an upgrade of the cluster that is not in the plan. */
  readonly upgradeWaits?: boolean;
}

/** Whether applying a plan would do anything. */
export function hasChanges({
  changes,
  outputsChange,
}: Pick<StackPlan, "changes" | "outputsChange">): boolean {
  return changes.length > 0 || outputsChange;
}

/** The plan of a stack, beside its synthesized file. */
export const PLAN_FILE = "plan.tfplan";

/** Exit codes of `terraform plan -detailed-exitcode`. */
const NOTHING_TO_DO = 0;
const SOMETHING_TO_DO = 2;

/**
 * Plans a stack and saves the plan, so that exactly it can be applied.
 * @throws TerraformError
 */
export async function planStack(stack: SynthesizedStack, options: PlanOptions): Promise<StackPlan> {
  const assumed = options.assumed ?? [];
  const gone = options.destroy?.gone;
  const where = options.destroy
    ? gone
      ? forgettingCopy(stack, gone)
      : emptiedCopy(stack, options.destroy.namespace)
    : assumed.length > 0
      ? assumedCopy(stack, assumed)
      : options.imports?.length
        ? importingCopy(stack, options.imports)
        : options.upgrade
          ? upgradingCopy(stack)
          : stack;
  let drifted = false;
  const { code } = await withInitialised(where, options.variables, {
    arguments: [
      "plan",
      "-json",
      "-input=false",
      "-lock-timeout=30s",
      "-detailed-exitcode",
      `-out=${PLAN_FILE}`,
      // Without a cluster there is nobody to ask how its objects are.
      ...(assumed.length > 0 || gone ? ["-refresh=false"] : []),
    ],
    accepted: [NOTHING_TO_DO, SOMETHING_TO_DO],
    inputs: options.inputs,
    onEvent: (event) => {
      if (event.type === "resource_drift") drifted = true;
      options.onEvent?.(event);
    },
  });
  const planned = { stack: where, assumed, destroy: options.destroy !== undefined, drifted };
  // Reading a plan starts terraform and its providers once more: left out where there is nothing in it.
  if (code === NOTHING_TO_DO) return { ...planned, changes: [], outputsChange: false };
  const plan = await readPlan(where, options.variables);
  const changedOutputs = Object.entries(plan.output_changes ?? {})
    .filter(([, { actions }]) => !actions.every((action) => action === "no-op"))
    .map(([name]) => name);
  return {
    ...planned,
    changes: dropAssumed(toResourceChanges(plan)),
    outputsChange: changedOutputs.length > 0,
    changedOutputs,
    lost: lostObjects(plan),
    found: new Map((plan.resource_drift ?? []).map(({ address, change }) => [address, change.after])),
  };
}

/**
 * A saved plan with every value in it.
 * @throws TerraformError
 */
export async function readPlan(
  { name, directory }: SynthesizedStack,
  variables: Variables,
): Promise<TerraformPlan> {
  const { stdout } = await runTerraform({
    stack: name,
    directory,
    arguments: ["show", "-json", PLAN_FILE],
    env: variables,
  });
  return JSON.parse(stdout) as TerraformPlan;
}

/**
 * Applies the very plan that planStack() saved.
 * @throws TerraformError; what was done before the failure is in the state
 */
export async function applyPlan(
  { stack, assumed }: StackPlan,
  { variables, inputs, onEvent }: Pick<PlanOptions, "variables" | "inputs" | "onEvent">,
): Promise<void> {
  if (assumed.length > 0) throw new Error(`${stack.name}: a plan on assumed outputs can't be applied`);
  await runTerraform({
    stack: stack.name,
    directory: stack.directory,
    arguments: ["apply", "-json", "-input=false", "-lock-timeout=30s", PLAN_FILE],
    env: variables,
    inputs,
    onEvent,
  });
}

/**
 * Writes into a stack's state what the clouds have become meanwhile; nothing in the clouds changes.
 * @throws TerraformError
 */
export async function refreshState(
  stack: SynthesizedStack,
  { variables, inputs }: Pick<PlanOptions, "variables" | "inputs">,
): Promise<void> {
  await withInitialised(stack, variables, {
    arguments: ["apply", "-json", "-refresh-only", "-auto-approve", "-input=false", "-lock-timeout=30s"],
    inputs,
  });
}

/**
 * Gives a resource in a stack's state another address; nothing in the cloud changes.
 * @throws TerraformError
 */
export async function moveInState(
  stack: SynthesizedStack,
  from: string,
  to: string,
  variables: Variables,
): Promise<void> {
  await withInitialised(stack, variables, { arguments: ["state", "mv", "-lock-timeout=30s", from, to] });
}

/** Outputs as terraform keeps them. */
export type Outputs = Readonly<Record<string, { readonly value: unknown }>>;

/** Outputs by name, as people and other stacks read them. */
export function valuesOf(outputs: Outputs): Record<string, unknown> {
  return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]));
}

/** The outputs in a stack's state, asked through terraform; none when nothing is deployed. */
export async function readOutputs(stack: SynthesizedStack, variables: Variables): Promise<Outputs> {
  const { stdout } = await withInitialised(stack, variables, { arguments: ["output", "-json"] });
  return JSON.parse(stdout || "{}") as Outputs;
}

/** What terraform says when what `init` made is gone or of another time. */
const NOT_INITIALISED =
  /initiali[sz]ation required|configuration changed|Inconsistent dependency lock file|Required plugins are not installed|Module not installed|Missing required provider/i;

/** Runs terraform in an initialised stack; when terraform finds that it isn't, once more after a new `init`. */
async function withInitialised(
  stack: SynthesizedStack,
  variables: Variables,
  run: Pick<TerraformRun, "arguments" | "accepted" | "inputs" | "onEvent">,
): Promise<{ code: number; stdout: string }> {
  const attempt = async (): Promise<{ code: number; stdout: string }> => {
    await initialise(stack, variables);
    return runTerraform({ stack: stack.name, directory: stack.directory, env: variables, ...run });
  };
  try {
    return await attempt();
  } catch (error) {
    const said =
      error instanceof TerraformError
        ? [error.output, ...error.diagnostics.map(({ summary }) => summary)].join("\n")
        : "";
    if (!NOT_INITIALISED.test(said)) throw error;
    rmSync(join(stack.directory, ".terraform"), { recursive: true, force: true });
    return attempt();
  }
}
