import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { ProviderError } from "../protocol/diagnostics";
import { blocks, text, type Values } from "../protocol/values";
import type { FaultKind, Operation } from "../providers/provider";
import { CloudFile, type Json, type JsonObject } from "./cloud-file";

/** A failure that was asked for. */
export interface Fault {
  readonly provider: string;
  /** Resource type or data source; left out: every one of the provider. */
  readonly type?: string;
  /** Left out: every operation. */
  readonly operation?: Operation;
  /** Name of the object; left out: every one. */
  readonly name?: string;
  readonly fault: FaultKind;
  /** How often it strikes from now on. */
  readonly times: number;
}

const KINDS: readonly string[] = ["429", "500", "timeout", "reset", "unanswered", "crash", "stall"];
const OPERATIONS: readonly string[] = ["plan", "create", "read", "update", "delete"];
const KEYS: readonly string[] = ["provider", "type", "operation", "name", "fault", "times"];

/** How often a call that is stalled looks whether it may go on. */
const RELEASE_POLL_MS = 20;

/** The names that an object goes by, for the `name` of a fault. */
function namesOf(values: Values): Array<string | undefined> {
  const [metadata] = blocks(values.metadata);
  return [
    values.name,
    values.secret_name,
    values.variable_name,
    values.environment,
    values.title,
    metadata?.name,
    values.id,
  ].map(text);
}

/** The faults of `faults.json`, a list, read again for each call, counts written back. */
export class Faults {
  private readonly file: CloudFile<Json[]>;

  constructor(directory: string) {
    this.file = new CloudFile(join(directory, "faults.json"), []);
  }

  /**
   * Takes the first fault that fits and counts it down; undefined when there is none.
   *
   * @throws ProviderError when the file isn't what it should be.
   */
  take(
    provider: string,
    type: string,
    operation: Operation,
    values: Values,
    kinds: readonly FaultKind[],
  ): Fault | undefined {
    if (!this.file.exists()) return undefined;
    const names = namesOf(values);
    const fits = (fault: Fault) =>
      fault.times > 0 &&
      fault.provider === provider &&
      (fault.type ?? type) === type &&
      (fault.operation ?? operation) === operation &&
      (fault.name === undefined || names.includes(fault.name)) &&
      kinds.includes(fault.fault);
    if (!this.list(this.file.read()).some(fits)) return undefined;
    return this.file.update((content) => {
      const list = this.list(content);
      const index = list.findIndex(fits);
      const found = list[index];
      if (!found) return undefined;
      (content[index] as JsonObject).times = found.times - 1;
      return found;
    });
  }

  /**
   * Waits until a fault that was taken is no longer in the file.
   *
   * @throws ProviderError when the file isn't what it should be.
   */
  async untilTakenOut({ times: _times, ...fault }: Fault): Promise<void> {
    const isThere = () =>
      this.list(this.file.read()).some(({ times: _left, ...other }) => isDeepStrictEqual(other, fault));
    // Whoever waits here must not keep a process that is to end.
    while (isThere()) await sleep(RELEASE_POLL_MS, undefined, { ref: false });
  }

  private list(content: Json[]): Fault[] {
    return content.map((entry, index) => this.check(entry, `[${index}]`));
  }

  private check(entry: Json, at: string): Fault {
    const fault = entry as unknown as Fault;
    if (typeof entry !== "object" || entry === null) this.refuse(`${at} must be an object`);
    const unknown = Object.keys(fault).find((key) => !KEYS.includes(key));
    if (unknown !== undefined) this.refuse(`${at}.${unknown} is unknown; known are ${KEYS.join(", ")}`);
    if (typeof fault.provider !== "string") this.refuse(`${at}.provider must be a provider's name`);
    if (!KINDS.includes(fault.fault)) this.refuse(`${at}.fault must be one of ${KINDS.join(", ")}`);
    if (fault.operation !== undefined && !OPERATIONS.includes(fault.operation)) {
      this.refuse(`${at}.operation must be one of ${OPERATIONS.join(", ")}`);
    }
    if (!Number.isInteger(fault.times) || fault.times < 0) this.refuse(`${at}.times must be 0 or more`);
    return fault;
  }

  private refuse(problem: string): never {
    throw new ProviderError(
      `The sandbox's file ${this.file.path}: ${problem}`,
      "Correct the entry, or delete the file when no faults are wanted.",
    );
  }
}
