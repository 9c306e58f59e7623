import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  appliedIn,
  ERRORED_STATE,
  pushState,
  readStackDocument,
  type SynthesizedStack,
  type Variables,
} from "../terraform";
import { type Backup, keepAsBackup, readSettled, stateName } from "./backups";
import { describeFile, parseState, type ReadableState, type StateFile } from "./state-file";
import type { StateStore } from "./state-store";

/** What became of such a file. */
export interface RecoveredState {
  readonly stack: string;
  readonly backup: Backup;
  /** Whether it is the state now. Otherwise it is a backup only: what is there has gone on without it. */
  readonly written: boolean;
}

/**
 * Takes in what Terraform could not write, in the folder of the stack itself or of a copy of it: first as a backup, then, where it
 * continues the state that is there, as the state.
 * @throws Error that names the file when it can't be taken in; then it stays where it is
 */
export async function recoverErroredState(
  store: StateStore,
  stack: SynthesizedStack,
  variables: Variables,
): Promise<RecoveredState | undefined> {
  let recovered: RecoveredState | undefined;
  for (const directory of appliedIn(stack)) {
    const file = join(directory, ERRORED_STATE);
    const content = await readFile(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
      throw error;
    });
    if (content === undefined) continue;
    try {
      recovered = await takeIn(store, stack, { content, variables });
    } catch (error) {
      throw new Error(
        `${stack.name}: Terraform could not write its state and left it in ${file}. It can't be taken in: ${(error as Error).message}\nKeep that file: nothing else knows what was done. The next deploy from here tries again.`,
        { cause: error },
      );
    }
    await rm(file, { force: true });
  }
  return recovered;
}

async function takeIn(
  store: StateStore,
  stack: SynthesizedStack,
  { content, variables }: { readonly content: Buffer; readonly variables: Variables },
): Promise<RecoveredState> {
  const state = parseState(content);
  if (state.kind !== "state") throw new Error(`it is ${describeFile(state)}`);
  const { backup } = await keepAsBackup(store, stack.name, { content, state });
  const { file: present } = await readSettled(store, stateName(stack.name));
  const serial = serialAfter(state, present);
  if (serial !== undefined)
    await pushState(
      { ...stack, document: readStackDocument(stack) },
      `${JSON.stringify({ ...state.document, serial }, null, 2)}\n`,
      { variables },
    );
  return { stack: stack.name, backup, written: serial !== undefined };
}

/**
 * The serial with which a state that could not be written follows the one that is there; undefined when it doesn't, since that one has
 * gone on meanwhile or is another one. Terraform counts a serial up when it writes, so that both can have the same one.
 */
function serialAfter(state: ReadableState, present: StateFile): number | undefined {
  if (present.kind === "absent" || present.kind === "empty") return state.serial;
  if (present.kind !== "state" || present.lineage !== state.lineage || present.serial > state.serial)
    return undefined;
  return Math.max(state.serial, present.serial + 1);
}
