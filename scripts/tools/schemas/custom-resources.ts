import {
  type JsonSchema,
  listRules,
  type ObjectType,
  objectSchema,
  orNull,
  propertiesOf,
  withFormat,
} from "./json-schema";

/** The part of a CustomResourceDefinition that says what its objects look like. */
export interface CustomResourceDefinition {
  readonly kind: string;
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: ReadonlyArray<{
      readonly name: string;
      readonly served?: boolean;
      readonly schema?: { readonly openAPIV3Schema?: OpenApiSchema };
    }>;
  };
}

/** A structural schema: OpenAPI v3 with Kubernetes' own words. */
export interface OpenApiSchema {
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly additionalProperties?: boolean | OpenApiSchema;
  readonly items?: OpenApiSchema;
  readonly allOf?: readonly OpenApiSchema[];
  readonly anyOf?: readonly OpenApiSchema[];
  readonly oneOf?: readonly OpenApiSchema[];
  readonly not?: OpenApiSchema;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-embedded-resource"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly [word: string]: unknown;
}

/** Words that mean the same in both. Descriptions and defaults check nothing; rules in CEL need an API server. */
const SAME = [
  "pattern",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "uniqueItems",
  "minProperties",
  "maxProperties",
] as const;

/** The schemas of a definition's objects, one for each version that the API server serves. */
export function* customResourceSchemas(
  { spec }: CustomResourceDefinition,
  metadata: JsonSchema,
): Generator<{ type: ObjectType; schema: JsonSchema }> {
  for (const { name, served = true, schema } of spec.versions) {
    if (!served || !schema?.openAPIV3Schema) continue;
    const type: ObjectType = { group: spec.group, version: name, kind: spec.names.kind };
    yield { type, schema: objectSchema(type, structural(schema.openAPIV3Schema, metadata), metadata) };
  }
}

/** The schema of a value whose fields the definition names: every other field is pruned, which a strict check refuses. */
function structural(schema: OpenApiSchema, metadata: JsonSchema): JsonSchema {
  const result: JsonSchema = {
    ...validations(schema),
    ...typeOf(schema),
    ...(schema.items ? { items: structural(schema.items, metadata) } : {}),
    ...listRules(schema),
    ...(schema.type === "object" ? fieldsOf(schema, metadata) : {}),
  };
  return schema.nullable === true ? orNull(result) : result;
}

function typeOf(schema: OpenApiSchema): JsonSchema {
  if (schema["x-kubernetes-int-or-string"]) return { type: ["integer", "string"] };
  return schema.type === undefined ? {} : { type: schema.type };
}

function fieldsOf(schema: OpenApiSchema, metadata: JsonSchema): JsonSchema {
  const { additionalProperties, required = [] } = schema;
  if (typeof additionalProperties === "object") {
    return { additionalProperties: structural(additionalProperties, metadata) };
  }
  const properties = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, property]) => [name, structural(property, metadata)]),
  );
  const embedded: Record<string, JsonSchema> = schema["x-kubernetes-embedded-resource"]
    ? { apiVersion: { type: "string" }, kind: { type: "string" }, metadata }
    : {};
  const open = schema["x-kubernetes-preserve-unknown-fields"] === true || additionalProperties === true;
  return {
    properties: propertiesOf({ ...properties, ...embedded }, required),
    ...(open ? {} : { additionalProperties: false }),
  };
}

/** What a value must satisfy besides its type. Below allOf and the like a schema has only such, and names fields in part. */
function validations(schema: OpenApiSchema): JsonSchema {
  const same = Object.fromEntries(
    SAME.filter((word) => schema[word] !== undefined).map((word) => [word, schema[word]]),
  );
  const intOrString = schema["x-kubernetes-int-or-string"] === true;
  const list = (schemas: readonly OpenApiSchema[]): JsonSchema[] => schemas.map(partial);
  return withFormat(
    {
      ...same,
      ...(schema.enum ? { enum: schema.enum } : {}),
      ...(schema.required && schema.required.length > 0 ? { required: schema.required } : {}),
      ...(schema.allOf && !intOrString ? { allOf: list(schema.allOf) } : {}),
      // Of an int-or-string they repeat both types.
      ...(schema.anyOf && !intOrString ? { anyOf: list(schema.anyOf) } : {}),
      ...(schema.oneOf ? { oneOf: list(schema.oneOf) } : {}),
      ...(schema.not ? { not: partial(schema.not) } : {}),
    },
    schema.format,
  );
}

function partial(schema: OpenApiSchema): JsonSchema {
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => [
    name,
    partial(property),
  ]);
  return {
    ...validations(schema),
    ...(properties.length > 0 ? { properties: Object.fromEntries(properties) } : {}),
    ...(schema.items ? { items: partial(schema.items) } : {}),
    ...(typeof schema.additionalProperties === "object"
      ? { additionalProperties: partial(schema.additionalProperties) }
      : {}),
  };
}
