import { isDeepStrictEqual } from "node:util";
import { pushState } from "../terraform";
import type { DescribedStack, Workspace } from "../workspace";
import {
  type Backup,
  backUp,
  backupFolder,
  backupPath,
  listBackups,
  newestUsable,
  readBackup,
  readSettled,
  sameLineage,
  stateName,
} from "./backups";
import { describeForeign, ownedByAnother, readSurroundings } from "./foreign-states";
import { LocalStore } from "./local-store";
import { describeFile, parseState, type ReadableState, type StateFile } from "./state-file";
import { describeLock, type StateLock, stateLock } from "./state-lock";
import { placeIn, type StateStore, stateCheck } from "./state-store";

/** What restoring a backup would do. */
export interface Restoration {
  readonly stack: string;
  readonly backup: Backup;
  /** What is in the backup. */
  readonly state: ReadableState;
  /** What is there now. */
  readonly present: StateFile;
  /** Addresses that the backup has and the state doesn't. */
  readonly returning: readonly string[];
  /** Addresses that the state has and the backup doesn't: Terraform would no longer know of them. */
  readonly forgotten: readonly string[];
  /** The serial that the state gets: above everything that there was, so that nobody takes an older copy for the newer one. */
  readonly serial: number;
  /** Another lineage: the backup is of a state that was begun independently of the one that is there. */
  readonly otherLineage: boolean;
  /** Why the backup is that of another stack, in words that follow `the backup `; undefined: it may well be the stack's own. */
  readonly foreign?: string;
  /** Whether the state that is there belongs to another stack. */
  readonly presentIsForeign: boolean;
}

/**
 * Compares a backup with the state that is there. Changes nothing.
 * @throws Error when the backup can't be used
 */
export async function planRestoration(
  store: StateStore,
  stack: string,
  backup: Backup,
  project: Workspace["project"],
): Promise<Restoration> {
  const state = await readBackup(store, stack, backup);
  if (state.kind !== "state")
    throw new Error(
      `${placeIn(store, backupPath(stack, backup))} is ${describeFile(state)}: choose another backup`,
    );
  const { file: present } = await readSettled(store, stateName(stack));
  const now = present.kind === "state" ? present.resources : [];
  const known = "lineage" in present ? present.lineage : undefined;
  const backups = await listBackups(store, stack);
  const surroundings = await readSurroundings(store, project);
  const owner = (one: ReadableState) => ownedByAnother(store, stack, { state: one, backups }, surroundings);
  const [foreign, presentOwner] = await Promise.all([
    owner(state),
    present.kind === "state" ? owner(present) : undefined,
  ]);
  const serials = backups.filter((one) => sameLineage(one, state.lineage)).map(({ serial }) => serial);
  const presentSerial = "serial" in present ? (present.serial ?? 0) : 0;
  return {
    stack,
    backup,
    state,
    present,
    returning: state.resources.filter((address) => !now.includes(address)),
    forgotten: now.filter((address) => !state.resources.includes(address)),
    serial: Math.max(state.serial, presentSerial, ...serials) + 1,
    otherLineage: known !== undefined && known !== state.lineage,
    ...(foreign
      ? { foreign: describeForeign(foreign, placeIn(store, backupPath(stack, backup)), "backup") }
      : {}),
    presentIsForeign: presentOwner !== undefined,
  };
}

export interface RestoreOptions {
  readonly store: StateStore;
  /** As the configuration has it: its backend is where Terraform is told to write. */
  readonly stack: DescribedStack;
  readonly variables: Workspace["variables"];
}

/** What a restoration left behind. */
export interface Restored {
  /** The copy of what was there before, as a name in the store; undefined when there was nothing. */
  readonly safetyCopy?: string;
  readonly serial: number;
  /** What did not come off afterwards, though the state is restored. */
  readonly notes: readonly string[];
}

/**
 * The newest backup of a stack that can be read and doesn't belong to another stack.
 * @throws Error when the store can't be read
 */
export async function newestOwn(
  store: StateStore,
  stack: string,
  project: Workspace["project"],
): Promise<Backup | undefined> {
  const backups = await listBackups(store, stack);
  const surroundings = await readSurroundings(store, project);
  const newest = await newestUsable(
    store,
    stack,
    async (state) => (await ownedByAnother(store, stack, { state, backups }, surroundings)) === undefined,
  );
  return newest?.backup;
}

/**
 * Carries a restoration out: keeps a copy of what is there, then writes the backup through `terraform state push`, which keeps to
 * the locks, reads it back, and makes a backup of it, so that the newest backup is what counts now. It can be cut off at any point and run again: the backup stays, and what was there is kept first.
 * @throws Error, or TerraformError, when something stands in the way; names the copy of what was there before
 */
export async function restoreBackup(
  restoration: Restoration,
  { store, stack, variables }: RestoreOptions,
): Promise<Restored> {
  const { backup, state, serial, otherLineage, presentIsForeign } = restoration;
  const name = stateName(stack.name);
  await refuseLocked(store, stack.name);
  const safetyCopy = await keepPresent(store, stack.name, { chosen: backup, presentIsForeign });
  // Terraform refuses to write over a state that it can't read, and --force doesn't change that.
  if (parseState(await store.read(name)).kind === "damaged") await store.remove(name);
  const document = { ...state.document, serial };
  await pushState(stack, `${JSON.stringify(document, null, 2)}\n`, { variables, force: otherLineage });
  const written = parseState(await store.read(name));
  if (written.kind !== "state" || written.serial < serial || !sameContent(written.document, document))
    throw new Error(
      `${stack.name}: what was written is not what the backup has (${describeFile(written)})${safetyCopy ? `; what was there before is in ${placeIn(store, safetyCopy)}` : ""}. \`${stateCheck(store)}\` says more.`,
    );
  return { safetyCopy, serial: written.serial, notes: await backUpRestored(store, stack.name, backup) };
}

/** terraform keeps to the lock, too; but the copy, and the removal of a damaged state, come before it. */
async function refuseLocked(store: StateStore, stack: string): Promise<void> {
  const lock = await stateLock(store, stack);
  if (lock === undefined || lock.status === "left behind" || isHarmless(store, lock)) return;
  throw new Error(
    `${stack}: Terraform's lock of the state is ${describeLock(lock)}. Wait until that has ended; \`${stateCheck(store)}\` says what to do with a lock that was left behind.`,
  );
}

/** The file beside a local state is no lock itself; where the system can't be asked who has one, terraform finds out. */
function isHarmless(store: StateStore, { status }: StateLock): boolean {
  return store instanceof LocalStore && status === "unknown";
}

/** The state is restored by now: that no copy of it could be made is told and fails nothing. */
async function backUpRestored(store: StateStore, stack: string, chosen: Backup): Promise<readonly string[]> {
  try {
    const result = await backUp(store, stack, { keep: chosen.name });
    return result.made ? result.notes : [];
  } catch (error) {
    return [`${(error as Error).message} The state itself is restored.`];
  }
}

/**
 * A state becomes a backup like any other. One that can't be read is kept byte for byte, for whoever wants to mend it by hand, and one
 * that belongs to another stack is kept beside the backups: among them it would be restored as this stack's own one day.
 */
async function keepPresent(
  store: StateStore,
  stack: string,
  { chosen, presentIsForeign }: { readonly chosen: Backup; readonly presentIsForeign: boolean },
): Promise<string | undefined> {
  const { content, file } = await readSettled(store, stateName(stack));
  if (content !== undefined && (file.kind === "damaged" || (file.kind === "state" && presentIsForeign))) {
    const time = new Date().toISOString().replaceAll(/[-:.]/g, "");
    const name = `${backupFolder(stack)}/${file.kind === "damaged" ? "damaged" : "foreign"}/${time}.tfstate`;
    await store.write(name, content);
    return name;
  }
  const result = await backUp(store, stack, { keep: chosen.name });
  if (result.made) return `${backupFolder(stack)}/${result.backup.name}`;
  if (file.kind !== "state" || file.resources.length === 0) return undefined;
  const [newest] = await listBackups(store, stack);
  return newest && `${backupFolder(stack)}/${newest.name}`;
}

/** Terraform may write its own version, and null where nothing stood. What counts is what the state tracks. */
function sameContent(
  written: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): boolean {
  return (["lineage", "outputs", "resources"] as const).every((key) =>
    isDeepStrictEqual(written[key] ?? null, wanted[key] ?? null),
  );
}
