import { basename } from "node:path";
import { environmentOf } from "../terraform";
import { backupFolder, stateName } from "./backups";
import { parseState, type StateFile } from "./state-file";
import type { StateStore } from "./state-store";

/**
 * The stacks that have a state in a store, whatever is in it.
 * @throws Error when the store can't be read
 */
export async function storedStacks(store: StateStore): Promise<readonly string[]> {
  const ending = stateName("");
  return (await store.list(""))
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length));
}

/**
 * The stacks that a store knows of: those that have a state, and those that have backups only. A folder that no stack can be called
 * is somebody's own.
 * @throws Error when the store can't be read
 */
export async function knownStacks(store: StateStore): Promise<readonly string[]> {
  const folders = await store.listFolders(backupFolder());
  const backedUp = folders.filter((name) => environmentOf({ name }) !== name);
  return [...new Set([...(await storedStacks(store)), ...backedUp])].sort();
}

/**
 * The states in a store, by stack, as they are at this moment.
 * @param isWanted the stacks whose states are read; default: all
 * @throws Error when the store can't be read
 */
export async function readStates(
  store: StateStore,
  isWanted: (stack: string) => boolean = () => true,
): Promise<ReadonlyMap<string, StateFile>> {
  const stacks = (await storedStacks(store)).filter(isWanted);
  return new Map(
    await Promise.all(
      stacks.map(async (stack) => [stack, parseState(await store.read(stateName(stack)))] as const),
    ),
  );
}

/** The states that have resources. One that can't be read may have any. */
export function statesInUse(states: ReadonlyMap<string, StateFile>): ReadonlyMap<string, StateFile> {
  return new Map(
    [...states].filter(
      ([, file]) => file.kind === "damaged" || (file.kind === "state" && file.resources.length > 0),
    ),
  );
}

/** The lineages of states, by stack; what can't be read has none. */
export function lineagesOf(states: ReadonlyMap<string, StateFile>): ReadonlyMap<string, string> {
  return new Map(
    [...states].flatMap(([stack, file]) =>
      "lineage" in file && file.lineage !== undefined ? [[stack, file.lineage] as const] : [],
    ),
  );
}

/**
 * The stacks of the same environment that have something deployed and have read a stack's outputs for it: Terraform writes down which
 * state it has read. They are the proof that the stack was deployed, and, since a destroy takes them first, that it still is.
 */
export function deployedOn(stack: string, states: ReadonlyMap<string, StateFile>): readonly string[] {
  const environment = environmentOf({ name: stack });
  return [...states]
    .filter(
      ([other, file]) =>
        other !== stack &&
        // An environment that was renamed has read the state of its former name.
        environmentOf({ name: other }) === environment &&
        file.kind === "state" &&
        file.resources.length > 0 &&
        statesReadBy(file.document).includes(stateName(stack)),
    )
    .map(([other]) => other)
    .sort();
}

/** The names of the states whose outputs a state's stack has read: a path on this machine, or a key in a bucket. */
function statesReadBy(document: Readonly<Record<string, unknown>>): readonly string[] {
  return ((document.resources ?? []) as readonly ReadResource[])
    .filter(({ mode, type }) => mode === "data" && type === "terraform_remote_state")
    .flatMap(({ instances }) => instances)
    .flatMap(({ attributes }) => {
      const { path, key } = attributes?.config?.value ?? {};
      const place = path ?? key;
      return typeof place === "string" ? [basename(place)] : [];
    });
}

interface ReadResource {
  readonly mode: string;
  readonly type: string;
  readonly instances: ReadonlyArray<{
    readonly attributes?: {
      readonly config?: {
        readonly value?: { readonly path?: unknown; readonly key?: unknown } | null;
      } | null;
    } | null;
  }>;
}
