import { readFileSync } from "node:fs";
import path from "node:path";
import {
  type JsonSchema,
  listRules,
  type ObjectType,
  objectSchema,
  propertiesOf,
  withFormat,
} from "./json-schema";

/** A definition of Kubernetes' swagger.json; `x-kubernetes-…` are its own words. */
export interface Definition {
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Definition>>;
  readonly additionalProperties?: Definition;
  readonly items?: Definition;
  readonly required?: readonly string[];
  readonly $ref?: string;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-group-version-kind"?: readonly ObjectType[];
}

type Definitions = Readonly<Record<string, Definition>>;

/** The values that a property of a type may have, by the type's name in Go and the property's. */
export type Enumerations = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";
const OBJECT_META = `${META}.ObjectMeta`;
const EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";

const SCHEMA_PROPS: JsonSchema = { $ref: "#/definitions/JSONSchemaProps" };

/** Types whose JSON form is not what their definition says, since they write and read it by code of their own. */
const WRITTEN_BY_CODE: Readonly<Record<string, JsonSchema>> = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": {
    type: ["string", "number"],
    pattern: "^[+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$",
  },
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": { type: ["integer", "string"] },
  "io.k8s.apimachinery.pkg.runtime.RawExtension": { type: "object" },
  [`${META}.FieldsV1`]: { type: "object" },
  [`${EXTENSIONS}.JSON`]: {},
  [`${EXTENSIONS}.JSONSchemaPropsOrArray`]: { anyOf: [SCHEMA_PROPS, { type: "array", items: SCHEMA_PROPS }] },
  [`${EXTENSIONS}.JSONSchemaPropsOrBool`]: { anyOf: [SCHEMA_PROPS, { type: "boolean" }] },
  [`${EXTENSIONS}.JSONSchemaPropsOrStringArray`]: {
    anyOf: [SCHEMA_PROPS, { type: "array", items: { type: "string" } }],
  },
};

/** What the API server asks of every object beyond the types: a label's value has letters, digits, dots and the like. */
const LABELS: JsonSchema = {
  type: ["object", "null"],
  additionalProperties: {
    type: "string",
    maxLength: 63,
    pattern: "^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
  },
};

/** Schemas of Kubernetes' own objects, out of the module k8s.io/kubernetes. */
export class KubernetesSchemas {
  constructor(
    private readonly definitions: Definitions,
    private readonly enumerations: Enumerations,
  ) {}

  /** @throws Error when the module has no such files */
  static read(module: string): KubernetesSchemas {
    const swagger = readFileSync(path.join(module, "api/openapi-spec/swagger.json"), "utf8");
    const generated = readFileSync(
      path.join(module, "pkg/generated/openapi/zz_generated.openapi.go"),
      "utf8",
    );
    return new KubernetesSchemas(JSON.parse(swagger).definitions, enumerationsIn(generated));
  }

  /** Every kind of object with its schema. Types that belong to many groups (DeleteOptions) are requests, not objects. */
  *objects(): Generator<{ type: ObjectType; schema: JsonSchema }> {
    for (const [name, definition] of Object.entries(this.definitions)) {
      const [type, ...others] = definition["x-kubernetes-group-version-kind"] ?? [];
      if (!type || others.length > 0 || !definition.properties?.metadata) continue;
      // A list is taken apart before its objects are checked.
      if (type.kind.endsWith("List") && definition.properties.items) continue;
      yield { type, schema: this.complete(objectSchema(type, this.named(name, []), this.metadata())) };
    }
  }

  /** The schema of `metadata`, of custom objects too. */
  metadata(): JsonSchema {
    return this.named(OBJECT_META, []);
  }

  private named(name: string, within: readonly string[]): JsonSchema {
    const known = WRITTEN_BY_CODE[name];
    if (known) return known;
    const short = name.slice(name.lastIndexOf(".") + 1);
    if (within.includes(name)) return { $ref: `#/definitions/${short}` };
    const definition = this.definitions[name];
    if (!definition) throw new Error(`swagger.json has no definition ${name}`);
    const schema = this.convert(definition, [...within, name]);
    if (name !== OBJECT_META) return schema;
    return { ...schema, properties: { ...schema.properties, labels: LABELS } };
  }

  private convert(definition: Definition, within: readonly string[]): JsonSchema {
    const { type, format, $ref, items, additionalProperties } = definition;
    if ($ref !== undefined) return this.named($ref.replace("#/definitions/", ""), within);
    if (type === "array" && items) {
      return { type, items: this.convert(items, within), ...listRules(definition) };
    }
    if (additionalProperties) {
      return { type: "object", additionalProperties: this.convert(additionalProperties, within) };
    }
    if (type === "object" || definition.properties) return this.object(definition, within);
    return withFormat(type === undefined ? {} : { type }, format);
  }

  private object(definition: Definition, within: readonly string[]): JsonSchema {
    const required = definition.required ?? [];
    const values = this.enumerations.get(goName(within.at(-1) ?? ""));
    const properties = Object.fromEntries(
      Object.entries(definition.properties ?? {}).map(([name, property]) => [
        name,
        withValues(this.convert(property, within), values?.get(name), required.includes(name)),
      ]),
    );
    return {
      type: "object",
      properties: propertiesOf(properties, required),
      additionalProperties: false,
      ...(required.length > 0 ? { required } : {}),
    };
  }

  /** A schema that stands alone: with the definitions that it refers to. Only JSONSchemaProps contains itself. */
  private complete(schema: JsonSchema): JsonSchema {
    if (!JSON.stringify(schema).includes('"#/definitions/')) return schema;
    return { ...schema, definitions: { JSONSchemaProps: this.named(`${EXTENSIONS}.JSONSchemaProps`, []) } };
  }
}

function withValues(
  schema: JsonSchema,
  values: readonly string[] | undefined,
  required: boolean,
): JsonSchema {
  if (!values) return schema;
  if (schema.items) return { ...schema, items: { ...schema.items, enum: values } };
  // In Go an empty string is no value, and the server puts its default there.
  return { ...schema, enum: required ? values : [...new Set([...values, ""])] };
}

/** `io.k8s.api.core.v1.Container` is `k8sio_api_core_v1_Container` in the names of generated functions. */
function goName(name: string): string {
  return name.replace(/^io\.k8s\./, "k8sio.").replace(/[.-]/g, "_");
}

/**
 * The enumerations that the API server was generated with. The published swagger.json leaves them out, though the server
 * checks most of them.
 */
export function enumerationsIn(generated: string): Enumerations {
  const result = new Map<string, Map<string, readonly string[]>>();
  for (const part of generated.split(/^func schema_/m).slice(1)) {
    const type = part.slice(0, part.indexOf("("));
    const values = new Map<string, readonly string[]>();
    let property = "";
    for (const line of part.split("\n")) {
      const name = /^\t{5}"([^"]+)": \{$/.exec(line)?.[1];
      if (name !== undefined) property = name;
      const list = /^\t+Enum: +\[\]interface\{\}\{(.*)\},$/.exec(line)?.[1];
      if (list !== undefined && property !== "") values.set(property, JSON.parse(`[${list}]`));
    }
    if (values.size > 0) result.set(type, values);
  }
  return result;
}
