import type { Output } from "../terminal/output";
import { interruptAll, runningProcesses } from "../terraform";

/** Ctrl-C and SIGTERM while terraform works. */
export interface Interruption {
  /** The reason not to begin anything more; undefined as long as nobody interrupted. */
  readonly reason: () => string | undefined;
  /** Gives the signals back. */
  readonly end: () => void;
}

/** Signals that follow each other so quickly come from one keystroke. */
const SAME_KEYSTROKE_MS = 1000;

/**
 * From now on the first Ctrl-C lets every running terraform finish its current operation, write its state and stop; a second
 * one is passed on too, which terraform takes as an order to stop at once.
 */
export function watchInterruption(output: Output): Interruption {
  let reason: string | undefined;
  let begun = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    const first = reason === undefined;
    // npm passes a Ctrl-C on to a process that the terminal has told already: that is no second one.
    if (!first && Date.now() - begun < SAME_KEYSTROKE_MS) return;
    if (first) begun = Date.now();
    reason = signal === "SIGINT" ? "interrupted with Ctrl-C" : `interrupted (${signal})`;
    const running = runningProcesses();
    if (first) {
      output.line();
      output.line(
        running > 0
          ? `Interrupted: terraform finishes what it is doing and saves its state (${running} running). Press Ctrl-C again to stop it at once, at the risk of losing track of what it was creating.`
          : "Stopping.",
      );
    }
    interruptAll();
  };
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, onSignal);
  return {
    reason: () => reason,
    end: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

/** What a process that Ctrl-C ended exits with (128 + SIGINT). */
export const INTERRUPTED_EXIT_CODE = 130;

/** Thrown instead of the failure that an interrupt has caused before anything was touched. */
export class Interrupted extends Error {
  constructor(reason: string) {
    super(`${reason[0]?.toUpperCase()}${reason.slice(1)}. Nothing was changed.`);
    this.name = "Interrupted";
  }
}

/**
 * Waits for something that changes nothing (synthesis): what it runs gets a terminal's Ctrl-C too, and ends with an error.
 * @throws Interrupted when it failed and somebody interrupted, else its own error
 */
export async function orInterrupted<T>({ reason }: Interruption, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const because = reason();
    throw because === undefined ? error : new Interrupted(because);
  }
}
