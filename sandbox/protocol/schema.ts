import { isValues, Unknown, type Value, type Values } from "./values";

/** A type of Terraform's type system as `terraform providers schema -json` writes it. */
export type Type = string | [string, Type | Record<string, Type>];

export interface Attribute {
  readonly type: Type;
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly computed?: boolean;
  readonly sensitive?: boolean;
  readonly write_only?: boolean;
}

export interface NestedBlock {
  readonly nesting_mode: "single" | "list" | "set" | "map";
  readonly block: Block;
  readonly min_items?: number;
  readonly max_items?: number;
}

export interface Block {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly block_types?: Readonly<Record<string, NestedBlock>>;
}

export interface Schema {
  readonly version: number;
  readonly block: Block;
}

/** The schemas of one provider, in the form of `terraform providers schema -json`. */
export interface ProviderSchema {
  readonly provider: Schema;
  readonly resource_schemas: Readonly<Record<string, Schema>>;
  readonly data_source_schemas: Readonly<Record<string, Schema>>;
}

const NESTING = { single: 1, list: 2, set: 3, map: 4 } as const;

function wireBlock(block: Block): object {
  return {
    attributes: Object.entries(block.attributes ?? {}).map(([name, attribute]) => ({
      ...attribute,
      name,
      type: Buffer.from(JSON.stringify(attribute.type)),
    })),
    block_types: Object.entries(block.block_types ?? {}).map(([name, nested]) => ({
      type_name: name,
      nesting: NESTING[nested.nesting_mode],
      min_items: nested.min_items ?? 0,
      max_items: nested.max_items ?? 0,
      block: wireBlock(nested.block),
    })),
  };
}

/** A schema as the plugin protocol sends it. */
export function wireSchema(schema: Schema): object {
  return { version: schema.version, block: wireBlock(schema.block) };
}

/** What an absent block is on the wire: terraform accepts no other form. */
function absentBlock(nested: NestedBlock): Value {
  if (nested.nesting_mode === "single") return null;
  return nested.nesting_mode === "map" ? {} : [];
}

/** Thrown when a value isn't of the type that its schema says. */
export class ShapeError extends Error {
  constructor(
    readonly path: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(`${path}: expected ${expected}, found ${found}`);
  }
}

const kindOf = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "a list"
      : typeof value === "object"
        ? "an object"
        : `${typeof value} ${JSON.stringify(value)}`;

function shapeType(type: Type, value: Value | undefined, path: string): Value {
  if (value === null || value === undefined) return null;
  if (value instanceof Unknown) return value;
  if (typeof type === "string") {
    const primitive = type === "bool" ? "boolean" : type;
    if (typeof value !== primitive) throw new ShapeError(path, `a ${type}`, kindOf(value));
    return value;
  }
  const [kind, element] = type;
  if (kind === "list" || kind === "set") {
    if (!Array.isArray(value)) throw new ShapeError(path, `a ${kind}`, kindOf(value));
    return value.map((entry, index) => shapeType(element as Type, entry, `${path}[${index}]`));
  }
  if (!isValues(value)) throw new ShapeError(path, `a ${kind}`, kindOf(value));
  if (kind === "map") {
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, shapeType(element as Type, entry, `${path}.${key}`)]),
    );
  }
  const fields = element as Record<string, Type>;
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, shapeType(field, value[name], `${path}.${name}`)]),
  );
}

function shapeNested(nested: NestedBlock, value: Value | undefined, path: string): Value {
  if (value === null || value === undefined) return absentBlock(nested);
  if (value instanceof Unknown) return value;
  if (nested.nesting_mode === "single") return shape(nested.block, value, path);
  if (nested.nesting_mode === "map") {
    if (!isValues(value)) throw new ShapeError(path, "a map of blocks", kindOf(value));
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, shape(nested.block, entry, `${path}.${key}`)]),
    );
  }
  if (!Array.isArray(value)) throw new ShapeError(path, "a list of blocks", kindOf(value));
  return value.map((entry, index) => shape(nested.block, entry, `${path}[${index}]`));
}

/**
 * Brings an object into the exact form of its schema: every attribute and block is there, absent ones in the form
 * terraform wants; names that the schema doesn't have are dropped.
 *
 * @throws ShapeError when a value isn't of its attribute's type.
 */
export function shape(block: Block, value: Value | undefined, path = ""): Values {
  if (!isValues(value)) throw new ShapeError(path, "an object", kindOf(value ?? null));
  const at = (name: string) => (path === "" ? name : `${path}.${name}`);
  const result: Values = {};
  for (const [name, attribute] of Object.entries(block.attributes ?? {})) {
    result[name] = shapeType(attribute.type, value[name], at(name));
  }
  for (const [name, nested] of Object.entries(block.block_types ?? {})) {
    result[name] = shapeNested(nested, value[name], at(name));
  }
  return result;
}

/** A text that is the same for equal values; the order of sets and of keys doesn't matter. */
function canonicalType(type: Type, value: Value | undefined): string {
  if (value instanceof Unknown) return "?";
  if (value === null || value === undefined) return "null";
  if (typeof type === "string") return JSON.stringify(value);
  const [kind, element] = type;
  if (Array.isArray(value)) {
    const parts = value.map((entry) => canonicalType(element as Type, entry));
    return `[${(kind === "set" ? parts.sort() : parts).join()}]`;
  }
  if (!isValues(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, entry]) =>
      `${JSON.stringify(key)}:${canonicalType(kind === "object" ? ((element as Record<string, Type>)[key] ?? "string") : (element as Type), entry)}`,
  );
  return `{${entries.sort().join()}}`;
}

function canonicalNested(nested: NestedBlock, value: Value | undefined): string {
  if (Array.isArray(value)) {
    const parts = value.map((entry) => canonical(nested.block, entry));
    return `[${(nested.nesting_mode === "set" ? parts.sort() : parts).join()}]`;
  }
  return canonical(nested.block, value ?? null);
}

/** A text that is the same for two equal objects of a schema and different for unequal ones. */
export function canonical(block: Block, value: Value): string {
  if (value instanceof Unknown) return "?";
  if (!isValues(value)) return "null";
  return `{${[
    ...Object.entries(block.attributes ?? {}).map(
      ([name, { type }]) => `${name}=${canonicalType(type, value[name])}`,
    ),
    ...Object.entries(block.block_types ?? {}).map(
      ([name, nested]) => `${name}=${canonicalNested(nested, value[name])}`,
    ),
  ].join(";")}}`;
}

/** {@link canonical} of one attribute or block. */
export function canonicalEntry(block: Block, name: string, value: Value | undefined): string {
  const attribute = block.attributes?.[name];
  if (attribute) return canonicalType(attribute.type, value);
  const nested = block.block_types?.[name];
  return nested ? canonicalNested(nested, value) : JSON.stringify(value ?? null);
}
