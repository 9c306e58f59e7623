import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

/** A process between one that writes and this one, which reads. */
export interface Relay {
  /** What the writing process gets as its output. */
  readonly input: Writable;
  /** What it writes, as it comes; ends when the last process that has the input is gone. */
  readonly output: Readable;
  /** Called when the writing process has the input, or can't be started: only that one keeps it open then. */
  readonly handOver: () => void;
}

/** The second `cat` begins when the first one has lost its reader. */
const RELAY = "cat; exec cat >/dev/null";

/**
 * Starts a relay. A process that writes into a pipe is killed (SIGPIPE) as soon as it has something to say and its reader is gone; one
 * that writes into a relay goes on to its end. Nothing of it touches a disk. The relay is out of reach for a Ctrl-C in the terminal, and
 * ends with the process that writes.
 * @throws Error when it can't be started
 */
export function startRelay(): Relay {
  const relay = spawn("/bin/sh", ["-c", RELAY], { stdio: ["pipe", "pipe", "ignore"], detached: true });
  const { stdin: input, stdout: output } = relay;
  relay.once("error", (error) => output.destroy(error));
  return { input, output, handOver: () => input.destroy() };
}
