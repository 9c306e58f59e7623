/** A state as Terraform writes it, as far as this program looks at it. */
export interface ReadableState {
  readonly kind: "state";
  /** Counts the changes of a state. */
  readonly serial: number;
  /** Given when a state is begun; two states of the same lineage are an older and a newer one of the same thing. */
  readonly lineage: string;
  /** Addresses of what Terraform manages, one per instance, sorted. */
  readonly resources: readonly string[];
  /** All of it. */
  readonly document: Readonly<Record<string, unknown>>;
}

/** What is in a file that should be a state. */
export type StateFile =
  | { readonly kind: "absent" }
  /** Terraform makes the file, empty at first, as soon as it takes the lock; a write that was cut off at once leaves one, too. */
  | { readonly kind: "empty" }
  | {
      readonly kind: "damaged";
      /** What is wrong with it. */
      readonly problem: string;
      /** What its beginning says, when that is still there. */
      readonly serial?: number;
      readonly lineage?: string;
    }
  | ReadableState;

/** The format of Terraform 0.12 and later; nothing newer exists. */
const FORMAT = 4;

/** Reads the content of a state file, whatever it is. */
export function parseState(content: Buffer | undefined): StateFile {
  if (content === undefined) return { kind: "absent" };
  const text = content.toString("utf8");
  if (text.trim() === "") return { kind: "empty" };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    const nothing = /^\0+$/.test(text);
    return {
      kind: "damaged",
      problem: nothing
        ? `${content.length} bytes of zeros, as after a power cut`
        : `no valid JSON: ${withoutContent((error as Error).message, text.trimEnd().length)}`,
      ...beginning(text),
    };
  }
  return interpret(document);
}

function interpret(document: unknown): StateFile {
  const damaged = (problem: string): StateFile => ({ kind: "damaged", problem });
  if (typeof document !== "object" || document === null || Array.isArray(document))
    return damaged("JSON, but no object");
  const { version, serial, lineage, resources = [] } = document as Record<string, unknown>;
  if (version !== FORMAT)
    return damaged(
      `of format version ${JSON.stringify(version) ?? "unknown"}, and Terraform 1 writes version ${FORMAT}`,
    );
  if (!Number.isSafeInteger(serial) || (serial as number) < 0) return damaged("without a serial");
  if (typeof lineage !== "string" || lineage === "") return damaged("without a lineage");
  if (!Array.isArray(resources)) return damaged("without a list of resources");
  const addresses: string[] = [];
  for (const resource of resources as readonly StateResource[]) {
    if (typeof resource?.type !== "string" || !Array.isArray(resource.instances))
      return damaged("with a resource that has no type or no instances");
    if (resource.mode === "managed")
      addresses.push(...resource.instances.map((one) => address(resource, one)));
  }
  return {
    kind: "state",
    serial: serial as number,
    lineage,
    resources: addresses.sort(),
    document: document as Record<string, unknown>,
  };
}

interface StateResource {
  readonly module?: string;
  readonly mode: string;
  readonly type: string;
  readonly name: string;
  readonly instances: ReadonlyArray<{ readonly index_key?: string | number; readonly deposed?: string }>;
}

function address(
  { module, type, name }: StateResource,
  { index_key, deposed }: StateResource["instances"][number],
): string {
  const index = index_key === undefined ? "" : `[${JSON.stringify(index_key)}]`;
  return `${module ? `${module}.` : ""}${type}.${name}${index}${deposed ? ` (deposed ${deposed})` : ""}`;
}

/** Terraform writes serial and lineage first, so that they outlive most files that were cut off. */
function beginning(text: string): { serial?: number; lineage?: string } {
  const head = text.slice(0, 1000);
  const serial = /"serial":\s*(\d{1,15})\s*,/.exec(head)?.[1];
  const lineage = /"lineage":\s*"([0-9a-fA-F-]{8,64})"/.exec(head)?.[1];
  return { ...(serial ? { serial: Number(serial) } : {}), ...(lineage ? { lineage } : {}) };
}

/** Node quotes the text around an error, which can hold credentials. */
function withoutContent(message: string, length: number): string {
  const position = /position (\d+)/.exec(message)?.[1];
  if (/end of JSON input|Unterminated/i.test(message) || Number(position) >= length) return "it is cut off";
  const place = /(?:at )?position \d+(?: \(line \d+ column \d+\))?/.exec(message)?.[0];
  return place
    ? `an unexpected character ${place.startsWith("at") ? place : `at ${place}`}`
    : "it can't be parsed";
}

/** How a state that can't be used is called: `cut off`, `empty`, `missing`. */
export function describeFile(file: StateFile): string {
  switch (file.kind) {
    case "absent":
      return "missing";
    case "empty":
      return "empty";
    case "damaged":
      return `damaged (${file.problem})`;
    case "state":
      return `${count(file.resources.length, "resource")}, serial ${file.serial}`;
  }
}

/** `1 resource`, `2 resources`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
