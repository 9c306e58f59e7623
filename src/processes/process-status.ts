import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** What the system tells of a process. */
export interface ProcessStatus {
  /** The letter of its state: `Z` for one that has ended and that its parent has not asked about yet. */
  readonly state: string;
  /** When it began, as the system tells it; with the boot, where the system counts from that. */
  readonly started: string;
}

/**
 * The status of a process, the own or somebody else's.
 * @returns undefined when there is none with that number, or the system tells nothing about it
 */
export function processStatus(pid: number): ProcessStatus | undefined {
  try {
    // proc(5): the name of the program, in brackets, can hold anything; behind it the state is the 1st field and the start, in ticks since the boot, the 20th.
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return { state: fields[0] as string, started: `${boot} ${fields[19]}` };
  } catch {
    return statusFromPs(pid);
  }
}

/** macOS has no /proc. */
function statusFromPs(pid: number): ProcessStatus | undefined {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-o", "lstart=", "-p", String(pid)], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
  });
  // `Ss+  Sat Nov 21 18:30:00 2026`: behind the letter of the state stand more about it.
  const [, state, started] = /^(\S)\S*\s+(\S.*)$/.exec(stdout?.trim() ?? "") ?? [];
  return state === undefined || started === undefined ? undefined : { state, started };
}
