import { setTimeout as sleep } from "node:timers/promises";
import { callApi, digitalOceanApi, digitalOceanToken } from "../api-client";
import type { Environment } from "../config";
import { listOf } from "../place";
import type { Output } from "../terminal/output";
import {
  CLUSTER_TYPE,
  environmentOf,
  type PlanOptions,
  planStack,
  readState,
  refreshState,
  type StackDocument,
  type StackPlan,
  type SynthesizedStack,
  TerraformError,
  type Variables,
} from "../terraform";
import { stackInputs, type Workspace } from "../workspace";
import { deployedCluster } from "./deployed-clusters";
import { deployedAttributes } from "./deployed-value";

/** An upgrade of a running cluster to the next minor version. */
export interface Upgrade {
  readonly from: string;
  readonly to: string;
}

/** The environment whose cluster a stack makes; undefined for another stack. */
const clusterEnvironment = (
  stack: SynthesizedStack,
  { environments }: Workspace["project"],
): Environment | undefined => environments.find(({ name }) => `${name}-cluster` === stack.name);

const POOL_TYPE = "digitalocean_kubernetes_node_pool";

/** 34 of `1.34` and of `1.34.1-do.2`. */
export function minorOf(version: string | undefined): number | undefined {
  const minor = /^1\.(\d+)(?:\.|$)/.exec(version ?? "")?.[1];
  return minor === undefined ? undefined : Number(minor);
}

/** The version that an environment's cluster has, where its plan has found another one than the state knows. */
export function foundVersion({ found }: Pick<StackPlan, "found">): string | undefined {
  const [, cluster] = [...(found ?? [])].find(([address]) => address.startsWith(`${CLUSTER_TYPE}.`)) ?? [];
  const version = (cluster as { version?: unknown } | undefined)?.version;
  return typeof version === "string" ? version : undefined;
}

/** The upgrade that a plan makes; undefined without one. */
export function upgradeOf({ changes }: Pick<StackPlan, "changes">): Upgrade | undefined {
  const cluster = changes.find(({ type, action }) => type === CLUSTER_TYPE && action === "update");
  const version = cluster?.attributes.find(({ path }) => path === "version");
  return typeof version?.before === "string" && typeof version.after === "string"
    ? { from: version.before, to: version.after }
    : undefined;
}

/**
 * Plans a stack. A cluster that runs one minor version below the configured one is upgraded in place; in every other case its version
 * stays what it is. The plan's notes say what an upgrade means, why one waits, and where DigitalOcean is ahead of the configuration.
 * @param hold why the cluster is not upgraded, whatever DigitalOcean offers
 * @throws TerraformError
 */
export async function planWithVersion(
  stack: SynthesizedStack,
  options: PlanOptions,
  { project, variables }: Pick<Workspace, "project" | "variables">,
  hold?: string,
): Promise<StackPlan> {
  const environment = clusterEnvironment(stack, project);
  const wanted = minorOf(environment?.cluster.version);
  if (environment === undefined || wanted === undefined || options.assumed?.length)
    return planStack(stack, options);
  const state = await readState(stack, variables);
  const deployed = deployedCluster(state).version;
  let waits: string | undefined;
  if (minorOf(deployed) === wanted - 1) {
    const planned = hold ?? (await planUpgrade(stack, options, wanted));
    if (typeof planned !== "string")
      return { ...planned, notes: upgradeNotes(environment, upgradeOf(planned) as Upgrade) };
    waits = planned;
  }
  const plan = await planStack(stack, options);
  const running = foundVersion(plan) ?? deployed;
  const minor = minorOf(running);
  const isMade = plan.changes.some(
    ({ type, action }) => type === CLUSTER_TYPE && (action === "create" || action === "replace"),
  );
  if (minor === undefined || minor === wanted || isMade) return plan;
  if (minor > wanted) return { ...plan, notes: [aheadNote(environment, minor)] };
  // Further below it is a danger, which says what to do.
  const notes =
    minor === wanted - 1
      ? [`${environment.name} stays on Kubernetes ${running}: ${waits ?? ANOTHER_VERSION}`]
      : [];
  return { ...plan, notes, upgradeWaits: true };
}

const ANOTHER_VERSION = "its version is no longer the one that was deployed. The next deploy upgrades it.";

/**
 * Production's plans that upgrade, where the upgrade of another environment waits: production is never the first, whichever environments
 * and stacks are selected.
 * @param all every stack of the project
 * @returns by the name of the stack, why production waits
 * @throws Error for a state that can't be read
 */
export async function heldUpgrades(
  plans: readonly StackPlan[],
  all: readonly SynthesizedStack[],
  workspace: Pick<Workspace, "project" | "variables">,
): Promise<ReadonlyMap<string, string>> {
  const isProduction = (stack: SynthesizedStack): boolean =>
    workspace.project.environments.some(
      ({ name, production }) => name === environmentOf(stack) && production,
    );
  const held = plans.filter((plan) => isProduction(plan.stack) && upgradeOf(plan) !== undefined);
  if (held.length === 0) return new Map();
  const planned = plans
    .filter(({ upgradeWaits, stack }) => upgradeWaits && !isProduction(stack))
    .map(({ stack }) => `${environmentOf(stack)}, whose upgrade waits`);
  const others = all.filter(
    (stack) => !isProduction(stack) && plans.every(({ stack: { name } }) => name !== stack.name),
  );
  const leftOut = await Promise.all(others.map((stack) => unfinishedElsewhere(stack, workspace)));
  const waiting = [...planned, ...leftOut.flatMap((reason) => reason ?? [])];
  if (waiting.length === 0) return new Map();
  return new Map(held.map(({ stack }) => [stack.name, `it is upgraded after ${listOf(waiting)}.`]));
}

/** Why production is not upgraded before a cluster that isn't planned; undefined where nothing speaks against it. */
async function unfinishedElsewhere(
  stack: SynthesizedStack,
  { project, variables }: Pick<Workspace, "project" | "variables">,
): Promise<string | undefined> {
  const environment = clusterEnvironment(stack, project);
  const wanted = minorOf(environment?.cluster.version);
  const id = wanted === undefined ? undefined : await clusterId(stack, variables);
  if (environment === undefined || wanted === undefined || id === undefined) return undefined;
  const whose = `${environment.name}, which this deploy leaves out`;
  try {
    const { version, state } = await lookAt(id, variables);
    const running = minorOf(version);
    if (running === undefined || running < wanted)
      return `${whose} and which runs ${version ?? "another version"} still: deploy it first`;
    return state === "running" ? undefined : `${whose} and whose cluster is "${state}" still`;
  } catch (error) {
    return `${whose} and whose version is not known: ${(error as Error).message}`;
  }
}

/** The plan of an upgrade that does nothing else to the nodes; else why there is none. */
async function planUpgrade(
  stack: SynthesizedStack,
  options: PlanOptions,
  wanted: number,
): Promise<StackPlan | string> {
  try {
    const plan = await planStack(stack, { ...options, upgrade: true });
    const upgrade = upgradeOf(plan);
    if (minorOf(upgrade?.from) !== wanted - 1 || minorOf(upgrade?.to) !== wanted) return ANOTHER_VERSION;
    if (plan.changes.some(({ type }) => type === POOL_TYPE))
      return `DigitalOcean does one thing to the nodes at a time. This deploy changes the node pools, the next one upgrades to 1.${wanted}.`;
    return plan;
  } catch (error) {
    if (!(error instanceof TerraformError)) throw error;
    if (isRefused(error, PROTECTED)) return ANOTHER_VERSION;
    if (!isRefused(error, NOT_OFFERED)) throw error;
    const offered = await offeredMinors(options.variables);
    return `DigitalOcean doesn't offer 1.${wanted}. ${offered.length > 0 ? `It offers ${offered.join(", ")}` : "`doctl kubernetes options versions` lists what it offers"}. Set cluster.version to "1.${wanted - 1}", or leave it out.`;
  }
}

/** The minor versions that DigitalOcean offers, newest first; none where it doesn't say. */
export async function offeredMinors(variables: Variables): Promise<string[]> {
  try {
    const url = `${digitalOceanApi(variables)}/v2/kubernetes/options`;
    const { body } = await callApi({ service: "DigitalOcean", url, token: digitalOceanToken(variables) });
    const { options } = JSON.parse(body) as {
      options?: { versions?: ReadonlyArray<{ kubernetes_version: string }> };
    };
    const minors = (options?.versions ?? []).map(({ kubernetes_version: version }) => minorOf(version) ?? 0);
    return [...new Set(minors)].sort((one, other) => other - one).map((minor) => `1.${minor}`);
  } catch {
    return [];
  }
}

/** What Terraform says of a cluster that is above the configured version and may not be replaced. */
const PROTECTED = /^Instance cannot be destroyed/;
/** What the cluster's own postcondition says (src/stacks/cluster-stack.ts). */
const NOT_OFFERED = /^DigitalOcean doesn't offer /m;

/** Whether a plan failed for that alone: another error, such as a 500 of an API, says nothing about versions. */
function isRefused({ diagnostics }: TerraformError, why: RegExp): boolean {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  return errors.length > 0 && errors.every(({ summary, detail }) => why.test(summary) || why.test(detail));
}

function upgradeNotes({ name, production, cluster }: Environment, { from, to }: Upgrade): readonly string[] {
  return [
    `${name} is upgraded in place from Kubernetes ${from} to ${to}, and never goes back. First the control plane: ${
      cluster.haControlPlane ? "its API stays available" : "its API doesn't answer for some minutes"
    }. Then the nodes, one after the other: a new one joins, the old one is drained and removed, so every pod restarts. Deploy waits for the end.`,
    ...(production
      ? [
          `This run upgrades ${name} as soon as the other environments in it are upgraded, without a pause to look at their applications. To look first, deploy those alone with --environment, and ${name} afterwards.`,
        ]
      : []),
  ];
}

function aheadNote({ name, cluster }: Environment, running: number): string {
  return `${name} runs Kubernetes 1.${running}, newer than the configured ${cluster.version}. A cluster never goes back, so nothing is changed. Set cluster.version to "1.${running}", or leave it out. (DigitalOcean upgrades a cluster whose version goes out of support.)`;
}

/** The other clusters, whose upgrade has to be at its end before a production cluster is upgraded, as dependencies of that one's stack. */
export function inUpgradeOrder(
  stacks: readonly SynthesizedStack[],
  plans: readonly StackPlan[],
  isProduction: (environment: string) => boolean,
): SynthesizedStack[] {
  const upgraded = plans.filter((plan) => upgradeOf(plan) !== undefined).map(({ stack }) => stack.name);
  const first = stacks
    .filter(
      (stack) => stack.name === `${environmentOf(stack)}-cluster` && !isProduction(environmentOf(stack)),
    )
    .map(({ name }) => name);
  return stacks.map((stack) =>
    upgraded.includes(stack.name) && !first.includes(stack.name)
      ? { ...stack, dependencies: [...stack.dependencies, ...first] }
      : stack,
  );
}

/** What plans without a change say of the clouds. */
export function withoutChanges(plans: readonly StackPlan[]): string {
  return plans.some(({ upgradeWaits }) => upgradeWaits)
    ? "an upgrade that the configuration wants waits (see the note)."
    : "the clouds are as the configuration says.";
}

const BETWEEN_LOOKS_MS = 10_000;
const BETWEEN_FIRST_LOOKS_MS = 500;
const BETWEEN_REPORTS_MS = 60_000;
/** A cluster whose upgrade was never seen under way counts as upgraded after so long: its status may lag behind. */
const SETTLED_MS = 30_000;
/** DigitalOcean takes some minutes for the control plane and for each node. */
const LONGEST_UPGRADE_MS = 2 * 60 * 60_000;

interface WaitForUpgrade {
  readonly stack: SynthesizedStack;
  readonly upgrade: Pick<Upgrade, "to">;
  readonly workspace: Workspace;
  readonly output: Output;
  readonly stopped: () => string | undefined;
}

/**
 * The upgrade to the configured minor version that an earlier deploy has begun and not seen the end of; undefined without one.
 * @throws Error when DigitalOcean doesn't say
 */
export async function unfinishedUpgrade(
  stack: SynthesizedStack,
  { project, variables }: Workspace,
): Promise<Pick<Upgrade, "to"> | undefined> {
  const environment = clusterEnvironment(stack, project);
  const wanted = minorOf(environment?.cluster.version);
  const id = wanted === undefined ? undefined : await clusterId(stack, variables);
  if (id === undefined) return undefined;
  const { version = "", state } = await lookAt(id, variables);
  return minorOf(version) === wanted && (state === "upgrading" || state === "error")
    ? { to: version }
    : undefined;
}

/**
 * Waits until DigitalOcean has upgraded a cluster, which goes on for long after terraform has asked for it, and has the state catch up.
 * @throws Error when it isn't done in time, or the wait is interrupted: the upgrade goes on all the same
 */
export async function waitForUpgrade(options: WaitForUpgrade): Promise<void> {
  const { stack, upgrade, workspace, output, stopped } = options;
  const { variables } = workspace;
  const id = await clusterId(stack, variables);
  if (id === undefined) return;
  output.progress(stack.name, `DigitalOcean upgrades the cluster to ${upgrade.to}: waiting for its nodes`);
  const begun = Date.now();
  const minutes = (): number => Math.floor((Date.now() - begun) / 60_000);
  let told = begun;
  let underWay = false;
  let pause = BETWEEN_FIRST_LOOKS_MS;
  for (;;) {
    const { version, state: status } = await lookAt(id, variables);
    underWay ||= status !== "running";
    const isThere = status === "running" && minorOf(version) === minorOf(upgrade.to);
    if (isThere && (underWay || Date.now() - begun >= SETTLED_MS)) break;
    const stop = stopped();
    const goesOn = `DigitalOcean goes on with the upgrade to ${upgrade.to}; \`doctl kubernetes cluster get ${id}\` shows it`;
    if (stop) throw new Error(`${stack.name}: ${stop} while waiting. ${goesOn}.`);
    if (status === "error")
      throw new Error(
        `${stack.name}: the cluster is in status "error" in the middle of the upgrade to ${upgrade.to}. Look at it in the control panel, or ask DigitalOcean's support. Then deploy again.`,
      );
    if (Date.now() - begun > LONGEST_UPGRADE_MS)
      throw new Error(
        `${stack.name}: after ${minutes()} minutes the cluster has ${version} and the status "${status}". ${goesOn}. Deploy again when it is done.`,
      );
    if (Date.now() - told >= BETWEEN_REPORTS_MS) {
      output.progress(stack.name, `the cluster is still upgrading after ${minutes()} min (${status})`);
      told = Date.now();
    }
    await sleep(pause);
    pause = Math.min(BETWEEN_LOOKS_MS, pause * 2);
  }
  await refreshState(stack, { variables, inputs: stackInputs(workspace, stack) });
  output.progress(stack.name, `Kubernetes ${upgrade.to} runs on every node`);
}

/**
 * The id of a stack's cluster, as its state has it.
 * @param stack with its document where it may not be synthesized in its directory
 * @throws Error for a state that can't be read
 */
export async function clusterId(
  stack: SynthesizedStack & { readonly document?: StackDocument },
  variables: Variables,
): Promise<string | undefined> {
  const { id } = deployedAttributes(await readState(stack, variables), CLUSTER_TYPE) ?? {};
  return typeof id === "string" ? id : undefined;
}

/** What DigitalOcean says of a cluster. */
export interface SeenCluster {
  readonly version?: string;
  /** `running`, or what keeps it from that: `upgrading`, `error`. */
  readonly state?: string;
  readonly message?: string;
}

/**
 * Asks DigitalOcean for a cluster.
 * @throws ApiUnavailable, or an Error with what it answered
 */
export async function lookAt(id: string, variables: Variables): Promise<SeenCluster> {
  const url = `${digitalOceanApi(variables)}/v2/kubernetes/clusters/${encodeURIComponent(id)}`;
  const { status, body } = await callApi({
    service: "DigitalOcean",
    url,
    token: digitalOceanToken(variables),
  });
  if (status !== 200)
    throw new Error(
      `DigitalOcean answers ${status} to ${url}: the cluster's version and status are not known. Check the token, and look at the cluster in the control panel.`,
    );
  const { kubernetes_cluster: cluster } = JSON.parse(body) as {
    kubernetes_cluster?: { version?: string; status?: { state?: string; message?: string } };
  };
  return { version: cluster?.version, ...cluster?.status };
}
