import { processStatus } from "./process-status";

/** Zombies and dead processes have ended: they hold a number only until their parent asks about them, which may be never. */
const ENDED = new Set(["Z", "X", "x"]);

/** Whether a process with this number runs, its own or somebody else's. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  // A system that hides the processes of others says nothing: then the number is all that there is.
  return !ENDED.has(processStatus(pid)?.state ?? "");
}
