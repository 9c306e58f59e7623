import { clusterName } from "../config";
import { environmentOf } from "../terraform";
import type { Workspace } from "../workspace";
import { type Backup, listBackups, sameLineage } from "./backups";
import type { ReadableState } from "./state-file";
import type { StateStore } from "./state-store";
import { lineagesOf, readStates } from "./stored-states";

/** Why a state can't be that of the stack under whose name it is kept. */
export type Foreign =
  /** It has the cluster or the network of another environment of the project. */
  | { readonly because: "name"; readonly owner: string; readonly address: string; readonly name: string }
  /** Terraform gives each state a lineage of its own, so that of two with the same one at least one was copied. */
  | { readonly because: "copy"; readonly owner: string; readonly lineage: string }
  /** It is neither an older nor a newer one of any state that was backed up. */
  | { readonly because: "backups"; readonly lineage: string; readonly backedUp: string };

/** A state of a stack, or what should be one, with the backups of that stack. */
interface Candidate {
  readonly state: ReadableState;
  readonly backups: readonly Backup[];
}

/** What a state is compared with. */
export interface Surroundings {
  readonly project: Workspace["project"];
  /** Of all states in the store. */
  readonly lineages: ReadonlyMap<string, string>;
}

/**
 * What states and backups of a project are compared with: all that is in the store.
 * @throws Error when the store can't be read
 */
export async function readSurroundings(
  store: StateStore,
  project: Workspace["project"],
): Promise<Surroundings> {
  return { project, lineages: lineagesOf(await readStates(store)) };
}

/**
 * Whose a state is, when it belongs to another stack than the one under whose name it is, or would be, kept. It reads the backups
 * of stacks that have a state of the same lineage.
 * @returns undefined for one that may well be the stack's own
 * @throws Error when the store can't be read
 */
export async function ownedByAnother(
  store: StateStore,
  stack: string,
  { state, backups }: Candidate,
  { project, lineages }: Surroundings,
): Promise<Exclude<Foreign, { because: "backups" }> | undefined> {
  const named = namedForAnother(stack, state, project);
  if (named) return named;
  const { lineage } = state;
  const environment = environmentOf({ name: stack });
  // The state that has this environment's own cluster is no copy of another environment's: that one is, and is refused itself.
  const isOwn = namesIn(state).some(({ name }) => name === clusterName(project.name, environment));
  const originals = await originalsOf(store, stack, { lineage, backups }, lineages);
  const owner = originals.find((other) => !isOwn || environmentOf({ name: other }) === environment);
  return owner === undefined ? undefined : { because: "copy", owner, lineage };
}

/** The stacks of a store whose state has a lineage that is not theirs alone, and that they aren't known to have had first. */
async function originalsOf(
  store: StateStore,
  stack: string,
  { lineage, backups }: { readonly lineage: string; readonly backups: readonly Backup[] },
  lineages: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const others = [...lineages].filter(([other, one]) => other !== stack && one === lineage);
  const originals = await Promise.all(
    others.map(async ([other]) => {
      const has = (all: readonly Backup[]) => all.some((backup) => sameLineage(backup, lineage));
      // Only this one was ever backed up with it: the other is the copy, and is refused itself.
      return has(backups) && !has(await listBackups(store, other)) ? [] : [other];
    }),
  );
  return originals.flat();
}

/**
 * The environment of the project whose cluster or network is in the state of a stack of another one. Only exact names of other
 * environments count, so that the state of a project or an environment that was renamed remains usable.
 */
function namedForAnother(
  stack: string,
  state: ReadableState,
  { name: project, environments }: Workspace["project"],
): Extract<Foreign, { because: "name" }> | undefined {
  const own = environmentOf({ name: stack });
  const others = new Map(
    environments
      .filter(({ name }) => name !== own)
      .map(({ name }) => [clusterName(project, name), name] as const),
  );
  for (const { address, name } of namesIn(state)) {
    const owner = others.get(name);
    if (owner !== undefined) return { because: "name", owner, address, name };
  }
  return undefined;
}

/** The clusters and networks in a state, which are named after their environment. */
function namesIn({ document }: ReadableState): ReadonlyArray<{ address: string; name: string }> {
  return ((document.resources ?? []) as readonly StateResource[])
    .filter(({ type }) => type === "digitalocean_kubernetes_cluster" || type === "digitalocean_vpc")
    .flatMap(({ type, name, instances }) =>
      instances.map(({ attributes }) => ({ address: `${type}.${name}`, name: String(attributes?.name) })),
    );
}

interface StateResource {
  readonly type: string;
  readonly name: string;
  readonly instances: ReadonlyArray<{ readonly attributes?: Readonly<Record<string, unknown>> | null }>;
}

/**
 * What is wrong with such a state, or with such a backup, in words that follow `state of <stack> ` or `the backup <name> `.
 * @param what a plan is made on a state only: what a backup does, it does once it is restored
 */
export function describeForeign(foreign: Foreign, place: string, what: "state" | "backup"): string {
  if (foreign.because === "backups")
    return `is not the one that was backed up (${place}: lineage ${foreign.lineage}, the newest backup has ${foreign.backedUp}): it was lost and recreated, or replaced. What the backup knows and the state doesn't is unmanaged`;
  const { owner } = foreign;
  const why =
    foreign.because === "name"
      ? `its ${foreign.address} is named ${foreign.name}`
      : `both have the lineage ${foreign.lineage}, and no two states have the same one unless one was copied`;
  const plan = what === "state" ? "a plan on it" : "a plan on it, once it is restored,";
  return `seems to be that of ${owner} (${place}: ${why}), so that ${plan} would change or destroy what ${owner} has`;
}
