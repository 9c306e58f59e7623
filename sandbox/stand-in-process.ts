import { spawn } from "node:child_process";

/** A process that terraform may take for the providers'. */
export interface StandInProcess {
  readonly pid: number;
  end(): void;
}

/**
 * Starts a process that does nothing as long as this one lives. terraform is told a number for each provider that it doesn't start
 * itself: it gives up when that process has ended, and sends it SIGKILL when nobody listens at the provider's address. That must
 * not be this process, which may be a deploy.
 * @throws Error when it can't be started
 */
export function startStandIn(): StandInProcess {
  // It reads what never comes, and ends with the pipe: also when this process is killed. The shell is where POSIX has it, whatever
  // PATH says. In a group of its own: a terminal's Ctrl-C would end it, and terraform give up what it was told to finish.
  const child = spawn("/bin/sh", ["-c", "read -r line"], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  child.on("error", () => undefined);
  if (child.pid === undefined) throw new Error("The sandbox can't be started: /bin/sh can't be started");
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return { pid: child.pid, end: () => child.kill() };
}
