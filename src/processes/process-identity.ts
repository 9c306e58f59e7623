import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { processStatus } from "./process-status";
import { runningProcess } from "./running-process";

/** Says which process something was written by, also after its number was given to another one. */
export interface ProcessIdentity {
  readonly pid: number;
  /** The machine, or container, that the number belongs to. */
  readonly host?: string;
  /** When the process began, as the system tells it; with the boot, where the system counts from that. */
  readonly started?: string;
}

let own: ProcessIdentity | undefined;

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  own ??= { pid: process.pid, host: hostOfNumbers(), started: processStatus(process.pid)?.started };
  return own;
}

/**
 * Whether the process that an identity was taken of is still there: the number alone would not do, since numbers are given again,
 * after a reboot and in containers soon.
 * @returns undefined for one of another machine or container, which can't be found out from here
 */
export function isAlive({ pid, host, started }: ProcessIdentity): boolean | undefined {
  if (host !== undefined && host !== ownIdentity().host) return undefined;
  const running = runningProcess(pid);
  if (running === undefined) return false;
  // What was written by an earlier version, or where the system doesn't tell, has the number only.
  return started === undefined || running.started === undefined || running.started === started;
}

/** Containers that share a host's name have numbers of their own. */
function hostOfNumbers(): string {
  try {
    return `${hostname()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}
