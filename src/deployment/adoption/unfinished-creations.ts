import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Workspace } from "../../workspace";

/**
 * What a stack's deploys began to create and never saw the end of, kept beside the local states. It is the evidence that an object
 * which "already exists" is our own: a run was cut off between making it and writing it down.
 */
export class UnfinishedCreations {
  private readonly file: string;

  constructor({ directory }: Pick<Workspace, "directory">, stack: string) {
    this.file = join(directory, "state", `${stack}.unfinished.json`);
  }

  /** Addresses of resources. */
  addresses(): string[] {
    try {
      const addresses: unknown = JSON.parse(readFileSync(this.file, "utf8"));
      return Array.isArray(addresses) ? addresses.filter((one) => typeof one === "string") : [];
    } catch {
      // There is none, or a full disk cut it off: then there is no evidence.
      return [];
    }
  }

  /** Notes that a resource is going to be created. Written at once, since the process may be killed in the next moment. */
  begun(address: string): void {
    const addresses = this.addresses();
    if (!addresses.includes(address)) this.write([...addresses, address]);
  }

  /** Forgets those whose end is known. */
  settle(isSettled: (address: string) => boolean): void {
    this.write(this.addresses().filter((address) => !isSettled(address)));
  }

  private write(addresses: readonly string[]): void {
    if (addresses.length === 0) {
      rmSync(this.file, { force: true });
      return;
    }
    mkdirSync(dirname(this.file), { recursive: true });
    const draft = `${this.file}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(addresses), { mode: 0o600 });
    renameSync(draft, this.file);
  }
}
