/** JSON Schema of draft 4, the one that kubeconform assumes, as far as Kubernetes' types need it. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly allOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly $ref?: string;
  /** Kubernetes' own: by which fields the entries of a list are told apart. Validators pass it over. */
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

/** Group (empty: the core group), version and kind of objects. */
export interface ObjectType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export const apiVersionOf = ({ group, version }: ObjectType): string =>
  group === "" ? version : `${group}/${version}`;

const INTEGER_LIMITS: Readonly<Record<string, { minimum: number; maximum: number }>> = {
  int32: { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
};

/** What a format that only Kubernetes knows means in JSON Schema; a stated bound is kept. */
export function withFormat(schema: JsonSchema, format: string | undefined): JsonSchema {
  if (format === undefined) return schema;
  const limits = INTEGER_LIMITS[format];
  if (limits) return { ...limits, ...schema };
  if (format === "byte") return { pattern: BASE64, ...schema };
  return CHECKED_FORMATS.has(format) ? { ...schema, format } : schema;
}

/** Base64, whose line ends do not count. */
const BASE64 = ((letter: string, end: string): string =>
  `^[\\r\\n]*(?:(?:${letter}){4})*(?:(?:${letter}){2}(?:${end}){2}|(?:${letter}){3}${end})?$`)(
  "[A-Za-z0-9+/][\\r\\n]*",
  "=[\\r\\n]*",
);

/** The formats that the API server refuses too, in the same way. */
const CHECKED_FORMATS = new Set(["date-time", "duration", "ipv4", "ipv6", "uri", "email", "date"]);

/**
 * The same with null allowed: to the API server a property with null is one that is not there, so that it may have it
 * wherever it may be missing.
 */
export function orNull(schema: JsonSchema): JsonSchema {
  if (schema.$ref !== undefined) return { anyOf: [schema, { type: "null" }] };
  if (schema.type === undefined) return schema;
  const types = typeof schema.type === "string" ? [schema.type] : schema.type;
  if (types.includes("null")) return schema;
  return {
    ...schema,
    type: [...types, "null"],
    ...(schema.enum && !schema.enum.includes(null) ? { enum: [...schema.enum, null] } : {}),
  };
}

/** What the kind of a list says about its entries, in the words that both definitions of Kubernetes share. */
export function listRules(list: {
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
}): JsonSchema {
  const keys = list["x-kubernetes-list-map-keys"];
  if (list["x-kubernetes-list-type"] === "map" && keys) return { "x-kubernetes-list-map-keys": keys };
  return list["x-kubernetes-list-type"] === "set" ? { uniqueItems: true } : {};
}

/** Properties of an object, those that may be missing with null allowed. */
export function propertiesOf(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      required.includes(name) ? schema : orNull(schema),
    ]),
  );
}

/** The schema of whole objects of a type: what every object has, besides its own properties. */
export function objectSchema(type: ObjectType, schema: JsonSchema, metadata: JsonSchema): JsonSchema {
  const own = Object.fromEntries(
    Object.entries(schema.properties ?? {}).filter(([name]) => !(name in EVERY_OBJECT)),
  );
  return {
    ...schema,
    type: "object",
    properties: {
      ...own,
      apiVersion: { type: "string", enum: [apiVersionOf(type)] },
      kind: { type: "string", enum: [type.kind] },
      metadata: { ...metadata, required: ["name"] },
    },
    required: [...new Set([...Object.keys(EVERY_OBJECT), ...(schema.required ?? [])])],
  };
}

const EVERY_OBJECT = { apiVersion: true, kind: true, metadata: true } as const;
