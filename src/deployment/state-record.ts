import { backUp, recoverErroredState, type StateStore } from "../state";
import type { Output } from "../terminal/output";
import type { SynthesizedStack } from "../terraform";
import type { Workspace } from "../workspace";
import { explain } from "./failure";

/**
 * Keeps a copy of a stack's state before it is applied.
 * @throws Error when none can be made: without a copy nothing is applied
 */
export async function keepBackup(store: StateStore, stack: string, output: Output): Promise<void> {
  try {
    const result = await backUp(store, stack);
    if (result.made) for (const note of result.notes) output.progress(stack, note);
  } catch (error) {
    throw new Error(
      `${(error as Error).message}\nWithout a backup nothing is applied: ${stack} was not touched.`,
      {
        cause: error,
      },
    );
  }
}

interface Recording {
  readonly stack: SynthesizedStack;
  readonly store: StateStore;
  readonly workspace: Workspace;
  readonly output: Output;
}

/**
 * Applies a stack, and sees to it afterwards that what was done is on record: a state that terraform could not write is taken in,
 * and the new state is kept as a backup, so that a state which is lost before the next deploy can be restored whole.
 * @returns what the apply returns
 * @throws what the apply throws, with what became of the state
 */
export async function recordingState<Result>(
  recording: Recording,
  apply: () => Promise<Result>,
): Promise<Result> {
  try {
    const result = await apply();
    await keepResult(recording);
    return result;
  } catch (error) {
    const told = await takeIn(recording);
    await keepResult(recording);
    throw told === undefined ? error : new Error(`${explain(error as Error)}\n${told}`, { cause: error });
  }
}

/** The apply is done, whatever becomes of the copy: the next one makes a copy first or doesn't begin. */
async function keepResult({ stack, store, output }: Recording): Promise<void> {
  try {
    await backUp(store, stack.name);
  } catch (error) {
    output.progress(stack.name, (error as Error).message);
  }
}

/** What became of a state that terraform could not write, in words; undefined when it could. */
async function takeIn({ stack, store, workspace }: Recording): Promise<string | undefined> {
  try {
    const recovered = await recoverErroredState(store, stack, workspace.variables);
    return recovered && explainRecovered(recovered);
  } catch (error) {
    return (error as Error).message;
  }
}

/** What was done with a state that terraform could not write, so that nobody follows terraform's own advice for it. */
export function explainRecovered({
  stack,
  backup,
  written,
}: {
  readonly stack: string;
  readonly backup: { readonly name: string };
  readonly written: boolean;
}): string {
  return written
    ? `${stack}: the state that Terraform could not write was written now (and kept as ${backup.name}); nothing has to be pushed.`
    : `${stack}: the state that Terraform could not write was kept as the backup ${backup.name}.`;
}
