import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Output } from "../../terminal/output";
import type { Workspace } from "../../workspace";

/** A creation whose end no deploy has seen. */
export interface UnfinishedCreation {
  readonly address: string;
  /** The name of the object in its cloud, for types that have one. */
  readonly name?: string;
  /** When the first deploy that tried began, in ISO 8601. */
  readonly begun: string;
}

/**
 * What a stack's deploys began to create and never saw the end of, kept beside the local states. It is the evidence that an object
 * which "already exists" is our own: a run was cut off between making it and writing it down. Nothing here throws: an apply that is
 * under way is worth more than its notes, so that notes which can't be written are told, once, and missed only by the next deploy.
 */
export class UnfinishedCreations {
  private readonly file: string;
  private readonly shown: string;
  private told = false;

  constructor(
    { directory }: Pick<Workspace, "directory">,
    private readonly stack: string,
    private readonly output: Pick<Output, "problem">,
  ) {
    this.file = join(directory, "state", `${stack}.unfinished.json`);
    this.shown = relative(process.cwd(), this.file);
  }

  /** Everything that is noted; what can't be read is no evidence. */
  all(): UnfinishedCreation[] {
    try {
      const noted: unknown = JSON.parse(readFileSync(this.file, "utf8"));
      return Array.isArray(noted) ? noted.filter(isCreation) : [];
    } catch {
      // There is none, or a full disk cut it off: then there is no evidence.
      return [];
    }
  }

  /** Notes that an object is going to be created. Written at once, since the process may be killed in the next moment. */
  begun(address: string, name: string | undefined): void {
    const noted = this.all();
    // The first attempt may be the one that made it: its time stays.
    if (noted.some((one) => one.address === address && one.name === name)) return;
    const others = noted.filter((one) => one.address !== address);
    this.write([...others, { address, name, begun: new Date().toISOString() }]);
  }

  /** Forgets those whose end is known. */
  settle(isSettled: (creation: UnfinishedCreation) => boolean): void {
    this.write(this.all().filter((one) => !isSettled(one)));
  }

  private write(creations: readonly UnfinishedCreation[]): void {
    const draft = `${this.file}.${process.pid}`;
    try {
      if (creations.length === 0) {
        rmSync(this.file, { force: true });
        return;
      }
      mkdirSync(dirname(this.file), { recursive: true });
      writeFileSync(draft, JSON.stringify(creations), { mode: 0o600 });
      renameSync(draft, this.file);
    } catch (error) {
      rmSync(draft, { force: true });
      this.tell(error as Error);
    }
  }

  private tell({ message }: Error): void {
    if (this.told) return;
    this.told = true;
    this.output.problem(
      `${this.stack}: ${this.shown}: what this deploy creates can't be noted there (${message}). It goes on. Only if it is cut off, the next one may not import by itself what was made: it then names the object, and --adopt imports it. Make room on the disk, or remove what is in the file's place.`,
    );
  }
}

function isCreation(value: unknown): value is UnfinishedCreation {
  const { address, name, begun } = (value ?? {}) as Partial<Record<keyof UnfinishedCreation, unknown>>;
  return (
    typeof address === "string" &&
    (name === undefined || typeof name === "string") &&
    typeof begun === "string" &&
    !Number.isNaN(Date.parse(begun))
  );
}
