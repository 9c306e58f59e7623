import { randomUUID } from "node:crypto";
import type { Attribute, Block } from "../protocol/schema";
import { isValues, Unknown, type Value, type Values } from "../protocol/values";

/** The time now as DigitalOcean's provider writes it (Go's format of a UTC time). */
export function goTime(date = new Date()): string {
  return `${date.toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}

/** The time now in RFC 3339, to the second. */
export function timestamp(date = new Date()): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** A positive number as the clouds use for ids. */
export function randomId(): number {
  return 100_000_000 + Math.floor(Math.random() * 800_000_000);
}

function invented(name: string, { type }: Attribute): Value {
  if (typeof type !== "string") return type[0] === "map" ? {} : [];
  if (type === "number") return 0;
  if (type === "bool") return false;
  if (name === "uuid") return randomUUID();
  return name === "created_at" || name === "updated_at" ? goTime() : "";
}

/** What a resource type says about its computed attributes: a value for each, by name. */
export type ComputedValues = Readonly<Record<string, Value>>;

/**
 * Gives every unknown attribute a value, also inside blocks: the one in `values` when it has the attribute's name,
 * else one that fits its type.
 */
export function completeUnknowns(block: Block, object: Values, values: ComputedValues): Values {
  for (const [name, attribute] of Object.entries(block.attributes ?? {})) {
    if (object[name] instanceof Unknown) object[name] = values[name] ?? invented(name, attribute);
  }
  for (const [name, nested] of Object.entries(block.block_types ?? {})) {
    const value = object[name];
    const elements = Array.isArray(value) ? value : isValues(value) ? [value] : [];
    for (const element of elements) if (isValues(element)) completeUnknowns(nested.block, element, {});
  }
  return object;
}
