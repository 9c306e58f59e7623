import { join } from "node:path";
import { describeTime, stateName } from "./backups";
import { LocalStore } from "./local-store";
import { processesWithOpen } from "./open-files";
import type { StateStore } from "./state-store";

/** Terraform's lock of a state. */
export interface StateLock {
  /** `held`: somebody works on the state; `left behind`: who made it is gone; `unknown`: it can't be found out from here. */
  readonly status: "held" | "left behind" | "unknown";
  /** Terraform's own id of it, which `terraform force-unlock` takes. */
  readonly id?: string;
  /** Who made it: `user@machine`. */
  readonly who?: string;
  readonly since?: Date;
  /** What it was made for: `OperationTypeApply`. */
  readonly operation?: string;
  /** The process that holds a local one: `terraform (process 123)`. */
  readonly process?: string;
}

/**
 * Terraform's lock of a stack's state; undefined when there is none. In a bucket it is a file beside the state, which a crash leaves
 * behind. Of a local state it is the operating system's, which goes with its process; the file beside it only says who took it.
 */
export async function stateLock(store: StateStore, stack: string): Promise<StateLock | undefined> {
  const state = stateName(stack);
  if (!(store instanceof LocalStore)) {
    const content = await store.read(`${state}.tflock`);
    return content && { status: "unknown", ...readLockInfo(content) };
  }
  const content = await store.read(`.${state}.lock.info`);
  const holders = processesWithOpen(join(store.folder, state));
  const terraform = holders?.find(({ program }) => program.includes("terraform"));
  if (terraform)
    return {
      status: "held",
      ...(content ? readLockInfo(content) : {}),
      process: `${terraform.program} (process ${terraform.pid})`,
    };
  return content && { status: holders === undefined ? "unknown" : "left behind", ...readLockInfo(content) };
}

/** A lock in words: `held by root@laptop (terraform, process 12) since 2026-11-21 18:30:00 UTC, for OperationTypeApply`. */
export function describeLock({ status, who, since, operation, process }: StateLock): string {
  const verb = { held: "held", "left behind": "left behind", unknown: "held, or left behind" }[status];
  const by = [who, process].filter(Boolean).join(", ");
  return [
    verb,
    by ? ` by ${by}` : "",
    since ? ` since ${describeTime(since)}` : "",
    operation ? `, for ${operation.replace(/^OperationType/, "").toLowerCase()}` : "",
  ].join("");
}

/** Terraform writes JSON; one that was cut off still is a lock. */
export function readLockInfo(content: Buffer): Pick<StateLock, "id" | "who" | "since" | "operation"> {
  try {
    const info = JSON.parse(content.toString("utf8")) as Readonly<Record<string, unknown>>;
    const text = (key: string): string | undefined =>
      typeof info[key] === "string" && info[key] !== "" ? (info[key] as string) : undefined;
    const since = new Date(text("Created") ?? "");
    return {
      id: text("ID"),
      who: text("Who"),
      operation: text("Operation"),
      ...(Number.isNaN(since.getTime()) ? {} : { since }),
    };
  } catch {
    return {};
  }
}
