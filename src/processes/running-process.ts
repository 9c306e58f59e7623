import { type ProcessStatus, processStatus } from "./process-status";

/** Zombies and dead processes have ended: they hold a number only until their parent asks about them, which may be never. */
const ENDED = new Set(["Z", "X", "x"]);

/** Whether a process with this number runs, its own or somebody else's. */
export function isRunning(pid: number): boolean {
  return runningProcess(pid) !== undefined;
}

/** What is known of a process that runs; undefined when none with this number does. */
export function runningProcess(pid: number): Partial<ProcessStatus> | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return undefined;
  }
  // A system that hides the processes of others says nothing: then the number is all that there is.
  const status: Partial<ProcessStatus> = processStatus(pid) ?? {};
  return ENDED.has(status.state ?? "") ? undefined : status;
}
