import { decode, Encoder, ExtensionCodec } from "@msgpack/msgpack";

/** A value that terraform doesn't know yet; what came over the wire is kept, so that it is sent back as it was. */
export class Unknown {
  constructor(
    /** The MessagePack extension type: 0 plain, 12 with refinements. */
    readonly extension: number = 0,
    readonly data: Uint8Array = new Uint8Array([0]),
  ) {}
}

/** A value of Terraform's type system. Lists, sets and tuples are arrays, maps and objects are plain objects. */
export type Value = null | boolean | number | string | Unknown | Value[] | Values;
/** An object or a map of Terraform values. */
export interface Values {
  [name: string]: Value;
}

const UNKNOWN_EXTENSIONS = [0, 12];

const extensionCodec = new ExtensionCodec();
for (const type of UNKNOWN_EXTENSIONS) {
  extensionCodec.register({
    type,
    encode: (value) => (value instanceof Unknown && value.extension === type ? value.data : null),
    decode: (data) => new Unknown(type, new Uint8Array(data)),
  });
}

/** Reads a protocol value. An absent value (no bytes) is null. */
export function decodeValue(message: { msgpack?: Uint8Array; json?: Uint8Array } | null | undefined): Value {
  if (message?.msgpack?.length) return decode(message.msgpack, { extensionCodec }) as Value;
  if (message?.json?.length) return JSON.parse(Buffer.from(message.json).toString("utf8")) as Value;
  return null;
}

/** Writes a protocol value. */
export function encodeValue(value: Value): { msgpack: Buffer } {
  return { msgpack: Buffer.from(new Encoder({ extensionCodec }).encode(value)) };
}

/** Whether a value is an object or a map, and no array, unknown or null. */
export function isValues(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Unknown);
}

/** Whether a value is unknown or has an unknown anywhere inside. */
export function hasUnknown(value: Value): boolean {
  if (value instanceof Unknown) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isValues(value) && Object.values(value).some(hasUnknown);
}

/** A deep copy that keeps unknowns. */
export function copy<T extends Value>(value: T): T {
  if (Array.isArray(value)) return value.map(copy) as T;
  if (isValues(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, copy(entry)])) as T;
  }
  return value;
}

/** A known, non-empty string, or undefined. */
export function text(value: Value | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The elements of a list or set; none when it is null or unknown. */
export function list(value: Value | undefined): Value[] {
  return Array.isArray(value) ? value : [];
}

/** The elements of a list of blocks; none when it is null or unknown. */
export function blocks(value: Value | undefined): Values[] {
  return list(value).filter(isValues);
}

/** A copy without what is null, also inside lists and objects. */
export function withoutNulls<T extends Value>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutNulls) as T;
  if (!isValues(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== null)
      .map(([name, entry]) => [name, withoutNulls(entry)]),
  ) as T;
}
