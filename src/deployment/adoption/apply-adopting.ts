import type { Output } from "../../terminal/output";
import { planLines } from "../../terminal/plan-view";
import {
  applyPlan,
  type Diagnostic,
  hasLocalState,
  type Import,
  moveInState,
  planStack,
  type ResourceChange,
  readPlan,
  readStackDocument,
  readState,
  type StackPlan,
  type StateDocument,
  type SynthesizedStack,
  TerraformError,
  type TerraformEvent,
} from "../../terraform";
import { stackInputs, type Workspace } from "../../workspace";
import { ExplainedFailure } from "../failure";
import {
  type CloudObject,
  findObject,
  hasZone,
  isAdoptable,
  StillBeingMade,
  type Wanted,
} from "./cloud-objects";
import { conflictsOf, errorsOf, isRefusal } from "./conflicts";
import { type UnfinishedCreation, UnfinishedCreations } from "./unfinished-creations";

export interface AdoptingOptions {
  readonly workspace: Workspace;
  /** The stack as it is synthesized; a plan may have been made in a copy of it. */
  readonly stack: SynthesizedStack;
  readonly output: Output;
  /** Takes the events of the apply of a plan. */
  readonly report: (plan: StackPlan) => (event: TerraformEvent) => void;
  /** Asked when a plan with objects that are taken over does more than what was approved. */
  readonly approve: (plan: StackPlan) => Promise<boolean>;
  readonly stopped: () => string | undefined;
  /** Addresses that somebody named on the command line: their objects are taken over without further evidence. */
  readonly adopt?: readonly string[];
}

/**
 * Applies a plan. When creating something fails because it is there already, as after a run that was cut off between making it and
 * writing it down, the object is taken over: it is imported by a new plan, and the rest of the approved one is done. Only what is ours:
 * an earlier deploy has begun to create it under this name (see {@link UnfinishedCreations}), somebody named it, or a team's state, which every
 * deploy of the team shares, doesn't have it and it is exactly as the configuration wants it.
 * @returns the addresses that were taken over
 * @throws TerraformError, or ExplainedFailure with what to do about what is there
 */
export async function applyAdopting(approved: StackPlan, options: AdoptingOptions): Promise<string[]> {
  const { workspace, stack } = options;
  const unfinished = new UnfinishedCreations(workspace, stack.name, options.output);
  const notOurs = await zonesOfOthers(approved, options);
  const earlier = unfinished.all();
  const adopted: Found[] = [];
  for (let plan = approved; ; ) {
    const report = options.report(plan);
    const created: string[] = [];
    try {
      await applyPlan(plan, {
        variables: workspace.variables,
        inputs: plan.destroy ? {} : stackInputs(workspace, stack),
        onEvent: (event) => {
          const address = event.hook?.resource?.addr;
          if (event.hook?.action === "create" && address !== undefined) {
            if (event.type === "apply_start" && !notOurs.has(address))
              unfinished.begun(address, nameOf(address, plan));
            if (event.type === "apply_complete") created.push(address);
          }
          report(event);
        },
      });
      unfinished.settle(() => true);
      return adopted.map(({ address }) => address);
    } catch (error) {
      if (!(error instanceof TerraformError) || plan.destroy) throw error;
      const conflicts = conflictsOf(error, plan);
      const sightings = await lookUp(plan, failedCreations(error, plan), options);
      const evidence = (found: Found): boolean => isOurs(found, { earlier, noted: unfinished.all() });
      unfinished.settle(({ address, name }) => {
        if (created.includes(address)) return true;
        if (isNoted(earlier, address, name)) return false;
        const sighting = sightings.get(address);
        // Only the cloud knows that nothing was made; where it can't be asked, the note stays.
        return sighting !== undefined && !sighting.trouble && !(sighting.found && evidence(sighting.found));
      });
      // With other trouble beside it the deploy has failed anyway; the next one takes over what there is.
      if (conflicts.length === 0 || conflicts.length < errorsOf(error).length || options.stopped())
        throw error;
      const found = await requireFound(error, plan, conflicts, { sightings, evidence }, options);
      adopted.push(...found.filter(({ remove }) => remove === undefined));
      plan = await planAdoption({ approved, failed: plan, error, adopted, fresh: found, evidence }, options);
    }
  }
}

/** The changes of a plan that the API has refused, or that failed because what they create is there. */
function failedCreations(error: TerraformError, plan: StackPlan): ResourceChange[] {
  const refused = errorsOf(error)
    .filter(isRefusal)
    .map(({ address }) => address);
  return plan.changes.filter(({ address, action }) => action !== "destroy" && refused.includes(address));
}

/**
 * Addresses of DNS zones that a plan creates and that are there already: that it fails to create them proves nothing. Where DigitalOcean
 * can't be asked, nothing is proved either.
 */
async function zonesOfOthers({ changes }: StackPlan, options: AdoptingOptions): Promise<ReadonlySet<string>> {
  const zones = changes.filter(({ type, action }) => type === ZONE && action === "create");
  if (zones.length === 0) return new Set();
  const clouds = {
    variables: options.workspace.variables,
    state: await readState(options.stack, options.workspace.variables),
  };
  const present = await Promise.all(
    zones.map(async ({ label }) => label === undefined || hasZone(label, clouds).catch(() => true)),
  );
  return new Set(zones.flatMap(({ address }, index) => (present[index] ? [address] : [])));
}

/** An object that is there, under the name that the failed plan gave to a resource. */
interface Found extends Import, CloudObject {
  readonly id: string;
  readonly name?: string;
}

/** What was found under an address, or why nobody knows; neither where nothing is there. */
interface Sighting {
  readonly found?: Found;
  readonly trouble?: Error;
}

/** Looks in the clouds for what a plan failed to create. Types that can't be taken over are left out. */
async function lookUp(
  plan: StackPlan,
  changes: readonly ResourceChange[],
  options: AdoptingOptions,
): Promise<Map<string, Sighting>> {
  const wanted = changes.filter(({ type }) => isAdoptable(type));
  if (wanted.length === 0) return new Map();
  const { workspace } = options;
  const state = await readState(options.stack, options.workspace.variables);
  const { resource_changes = [] } = await readPlan(plan.stack, workspace.variables);
  const clouds = { variables: workspace.variables, owner: workspace.project.github?.owner, state };
  const look = async ({ address, type, label: name }: ResourceChange): Promise<Sighting> => {
    const after = resource_changes.find((change) => change.address === address)?.change.after as Wanted;
    try {
      const object = await findObject(type, after, clouds);
      return object ? { found: { address, name, ...object } } : {};
    } catch (error) {
      const trouble = error as Error;
      return trouble instanceof StillBeingMade
        ? { found: { address, name, ...trouble.object }, trouble }
        : { trouble };
    }
  };
  const sightings = await Promise.all(
    wanted.map(async (change) => [change.address, await look(change)] as const),
  );
  return new Map(sightings);
}

interface Evidence {
  readonly sightings: ReadonlyMap<string, Sighting>;
  /** Whether deploys from here have made an object. */
  readonly evidence: (found: Found) => boolean;
}

/**
 * The objects that are in the way of a plan; one of ours that is still being made is waited for.
 * @throws ExplainedFailure with what to do about those that can't be taken over
 */
async function requireFound(
  error: TerraformError,
  plan: StackPlan,
  conflicts: readonly ResourceChange[],
  { sightings, evidence }: Evidence,
  options: AdoptingOptions,
): Promise<Found[]> {
  const state = await readState(options.stack, options.workspace.variables);
  const found: Found[] = [];
  const advice = new Map<string, string>();
  for (const conflict of conflicts) {
    const { address, type } = conflict;
    if (!isAdoptable(type)) {
      advice.set(address, BY_HAND[type] ?? ELSEWHERE);
      continue;
    }
    let sighting = sightings.get(address) ?? {};
    for (
      const begun = Date.now();
      sighting.trouble instanceof StillBeingMade &&
      sighting.found &&
      evidence(sighting.found) &&
      options.stopped() === undefined &&
      Date.now() - begun < LONGEST_WAIT_MS;
    ) {
      options.output.progress(options.stack.name, `waiting for ${address}: it is still being made`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      sighting = (await lookUp(plan, [conflict], options)).get(address) ?? {};
    }
    if (sighting.trouble) advice.set(address, troubleOf(sighting.trouble));
    else if (sighting.found === undefined) advice.set(address, ELSEWHERE);
    else if (isInState(sighting.found.id, state)) advice.set(address, PREDECESSOR);
    else found.push(sighting.found);
  }
  if (advice.size > 0) throw new ExplainedFailure(error, advice);
  return found;
}

const POLL_MS = 5000;
/** DigitalOcean makes a cluster in five minutes, and takes up to fifteen. */
const LONGEST_WAIT_MS = 20 * 60_000;

const troubleOf = (trouble: Error): string =>
  trouble instanceof StillBeingMade
    ? "It is still being made. Deploy again in a few minutes."
    : `It can't be imported: ${trouble.message}.`;

/** Whether a managed object with this id is in a state: it is no orphan then. */
function isInState(id: string, { resources = [] }: StateDocument): boolean {
  return resources.some(
    ({ mode, instances }) =>
      mode === "managed" && instances.some(({ attributes, deposed }) => !deposed && attributes?.id === id),
  );
}

const PREDECESSOR =
  "It is the one that would be replaced, which is in use, and its name is taken as long as it is there. Leave it alone: set the configuration back to what is deployed. For what you want, deploy a new environment beside this one.";

const ELSEWHERE =
  "Something else has this name. Rename or remove it there if it isn't needed, or choose another name in the configuration.";

/** Objects whose import would bring a secret into the state. */
const BY_HAND: Readonly<Record<string, string>> = {
  kubernetes_secret_v1:
    "It is in the cluster and not in the state. Importing would copy its content into the state: delete it (`kubectl delete secret` with its name and namespace) and deploy again, which recreates it.",
};

interface Adoption {
  readonly approved: StackPlan;
  readonly failed: StackPlan;
  readonly error: TerraformError;
  readonly adopted: readonly Found[];
  readonly fresh: readonly Found[];
  readonly evidence: (found: Found) => boolean;
}

/** Plans the rest with the objects in it, and refuses what is not ours or would not stay as it is. */
async function planAdoption(adoption: Adoption, options: AdoptingOptions): Promise<StackPlan> {
  const { approved, failed, error, adopted, fresh, evidence } = adoption;
  const { workspace, stack, output, approve } = options;
  const { variables } = workspace;
  // The address of one that is being replaced is taken by its predecessor, which has to go when the new one is there.
  const replaced = failed.changes
    .filter(({ action, address }) => action === "replace" && fresh.some((one) => one.address === address))
    .map(({ address }) => address);
  for (const address of replaced) await moveInState(stack, address, predecessorOf(address), variables);
  try {
    const plan = await planStack(stack, {
      variables,
      inputs: stackInputs(workspace, stack),
      imports: adopted.map(({ address, id }) => ({ address, id })),
    });
    const advice = new Map<string, string>();
    for (const one of fresh) {
      const refusal = refusalOf(one, plan, evidence, options);
      if (refusal) advice.set(one.address, refusal);
    }
    if (advice.size > 0) throw new ExplainedFailure(error, advice);
    for (const { address, id, remove } of fresh)
      output.progress(
        stack.name,
        remove
          ? `${address} is there and can't be imported (${id}): it is deleted and created again`
          : `taking over ${address}: it is in the cloud and not in the state (${id})`,
      );
    if (!isWithin(plan, approved, adopted)) {
      output.line(
        ["", "With what is there already, the plan is another one:", ...planLines(plan)].join("\n"),
      );
      if (!(await approve(plan))) throw new Error(`${stack.name}: the new plan was not approved`);
    }
    for (const { remove } of fresh) await remove?.();
    return plan;
  } catch (trouble) {
    for (const address of replaced) await moveInState(stack, predecessorOf(address), address, variables);
    if (!(trouble instanceof TerraformError) || !errorsOf(trouble).some(isProtection)) throw trouble;
    const names = fresh.map(
      ({ address, id }) => [address, unlike("something that can't be changed", id)] as const,
    );
    throw new ExplainedFailure(error, new Map(names));
  }
}

/** terraform refuses to plan what would destroy a protected resource, and doesn't say why it would. */
const isProtection = ({ summary }: Diagnostic): boolean => summary === "Instance cannot be destroyed";

const unlike = (what: string, id: string): string =>
  `It can't be imported: it differs from the configuration in ${what}, for which it would be destroyed. Rename or remove it in the cloud (${id}), or set the configuration to what it has.`;

const predecessorOf = (address: string): string => `${address}-replaced`;

/** A zone holds records of anybody and looks like any other: that it has our name says nothing. */
const ZONE = "digitalocean_domain";

/** Why an object is not taken over; undefined when it is. */
function refusalOf(
  found: Found,
  plan: StackPlan,
  evidence: (found: Found) => boolean,
  { stack, workspace, adopt = [] }: AdoptingOptions,
): string | undefined {
  const { address, id, remove } = found;
  // It has nothing but its name, which is the one that the configuration wants: nobody loses anything.
  if (remove) return undefined;
  // A deposed predecessor that is destroyed has the same address.
  const change = plan.changes.find(
    (candidate) => candidate.address === address && candidate.action !== "destroy",
  );
  const differs = change ? realDifferences(change) : [];
  const takeOver = workspace.npmRun("deploy", "--stack", stack.name, "--adopt", address);
  if (change && change.action !== "update") return unlike(differs.join(", "), id);
  if (adopt.includes(address) || evidence(found)) return undefined;
  if (differs.length > 0)
    return `It differs from the configuration in ${differs.join(", ")} (${id}). If it is yours, take it over and change it: ${takeOver}`;
  const shared = !hasLocalState(readStackDocument(stack));
  if (shared && address.split(".")[0] !== ZONE) return undefined;
  return `No deploy from here has begun to make it (${id}). Is there another state that has it? If not, take it over: ${takeOver}`;
}

/** How far the clocks of this machine and of a cloud may have been apart when an earlier deploy ran. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;
/** Clouds tell times in whole seconds. */
const ROUNDING_MS = 2000;

interface Notes {
  /** What earlier deploys noted. */
  readonly earlier: readonly UnfinishedCreation[];
  /** That, and what this one has. */
  readonly noted: readonly UnfinishedCreation[];
}

const isNoted = (notes: readonly UnfinishedCreation[], address: string, name: string | undefined): boolean =>
  notes.some((one) => one.address === address && one.name === name);

/**
 * Whether deploys from here have made an object: one began to make this resource under this name, and the object is not older than
 * that. An object that doesn't say when it was made is an earlier deploy's; this one's only where it looked before it began (zones).
 */
function isOurs(found: Found, { earlier, noted }: Notes): boolean {
  const { address, name, createdAt, clockAheadMs = 0 } = found;
  const note = noted.find((one) => one.address === address && one.name === name);
  if (note === undefined) return false;
  const isEarlier = isNoted(earlier, address, name);
  const made = Date.parse(createdAt ?? "");
  if (Number.isNaN(made)) return isEarlier || address.split(".")[0] === ZONE;
  const begun = Date.parse(note.begun);
  return made >= (isEarlier ? begun - CLOCK_TOLERANCE_MS : begun + clockAheadMs - ROUNDING_MS);
}

/** The name that a plan gives to what it creates. */
function nameOf(address: string, { changes }: StackPlan): string | undefined {
  return changes.find((change) => change.address === address)?.label;
}

/** Arguments that only the state knows: no cloud has them, so that an import can't read them. */
const STATE_ONLY: readonly string[] = [
  "destroy_all_associated_resources",
  "registry_integration",
  "kubeconfig_expire_seconds",
  "wait_for_default_service_account",
  "timeouts",
];

function realDifferences({ attributes }: ResourceChange): string[] {
  return attributes
    .filter(({ path, unknown }) => !unknown && !STATE_ONLY.includes(path.split(/[.[]/)[0] ?? ""))
    .map(({ path }) => path);
}

/** Whether a plan does nothing that was not approved: what is left of it, and the end of what the objects replace. */
function isWithin({ changes }: StackPlan, approved: StackPlan, adopted: readonly Found[]): boolean {
  const allowed = new Set(approved.changes.map(({ action, address }) => `${action} ${address}`));
  for (const { address } of adopted)
    if (allowed.has(`replace ${address}`)) allowed.add(`destroy ${predecessorOf(address)}`);
  return changes.every(
    (change) =>
      allowed.has(`${change.action} ${change.address}`) ||
      (change.action === "update" &&
        realDifferences(change).length === 0 &&
        adopted.some(({ address }) => address === change.address)),
  );
}
