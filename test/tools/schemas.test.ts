import Ajv from "ajv";
import { customResourceSchemas, type OpenApiSchema } from "../../scripts/tools/schemas/custom-resources";
import type { JsonSchema } from "../../scripts/tools/schemas/json-schema";
import { enumerationsIn, KubernetesSchemas } from "../../scripts/tools/schemas/kubernetes";
import { schemaFile, schemasDirectory } from "../../src/flux-tree/schemas";

const META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const ref = (name: string) => ({ $ref: `#/definitions/${name}` });
const text = { type: "string" };

/** As small as Kubernetes' swagger.json can be, with every way in which it says things. */
const DEFINITIONS = {
  [META]: {
    type: "object",
    properties: { name: text, labels: { type: "object", additionalProperties: text } },
  },
  [QUANTITY]: text,
  [INT_OR_STRING]: { type: "string", format: "int-or-string" },
  "io.k8s.api.core.v1.Thing": {
    type: "object",
    required: ["spec"],
    properties: {
      apiVersion: text,
      kind: text,
      metadata: ref(META),
      spec: ref("io.k8s.api.core.v1.ThingSpec"),
    },
    "x-kubernetes-group-version-kind": [{ group: "", version: "v1", kind: "Thing" }],
  },
  "io.k8s.api.core.v1.ThingSpec": {
    type: "object",
    required: ["policy"],
    properties: {
      count: { type: "integer", format: "int32" },
      data: { type: "string", format: "byte" },
      size: ref(QUANTITY),
      port: ref(INT_OR_STRING),
      policy: text,
      mode: text,
      names: { type: "array", items: text, "x-kubernetes-list-type": "set" },
      env: {
        type: "array",
        items: { type: "object", properties: { name: text } },
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
      },
    },
  },
  "io.k8s.api.core.v1.ThingList": {
    type: "object",
    properties: { metadata: ref(META), items: { type: "array", items: ref("io.k8s.api.core.v1.Thing") } },
    "x-kubernetes-group-version-kind": [{ group: "", version: "v1", kind: "ThingList" }],
  },
  "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions": {
    type: "object",
    properties: { metadata: ref(META) },
    "x-kubernetes-group-version-kind": [
      { group: "", version: "v1", kind: "DeleteOptions" },
      { group: "apps", version: "v1", kind: "DeleteOptions" },
    ],
  },
};

const GENERATED = `
func schema_k8sio_api_core_v1_ThingSpec(ref common.ReferenceCallback) common.OpenAPIDefinition {
\treturn common.OpenAPIDefinition{
\t\tSchema: spec.Schema{
\t\t\tSchemaProps: spec.SchemaProps{
\t\t\t\tProperties: map[string]spec.Schema{
\t\t\t\t\t"policy": {
\t\t\t\t\t\tSchemaProps: spec.SchemaProps{
\t\t\t\t\t\t\tEnum:        []interface{}{"Keep", "Drop"},
\t\t\t\t\t\t},
\t\t\t\t\t},
\t\t\t\t\t"mode": {
\t\t\t\t\t\tSchemaProps: spec.SchemaProps{
\t\t\t\t\t\t\tEnum:        []interface{}{"Fast"},
\t\t\t\t\t\t},
\t\t\t\t\t},
\t\t\t\t\t"count": {
\t\t\t\t\t},
}
`;

const kubernetes = new KubernetesSchemas(DEFINITIONS, enumerationsIn(GENERATED));
const ajv = new Ajv({ strict: false, validateFormats: false });

function validator(schema: JsonSchema): (value: unknown) => boolean {
  const validate = ajv.compile(schema as object);
  return (value) => validate(value) === true;
}

describe("Kubernetes' own kinds", () => {
  const objects = [...kubernetes.objects()];
  const accepts = validator(objects[0]?.schema ?? {});
  const thing = (spec: unknown, metadata: unknown = { name: "a" }) => ({
    apiVersion: "v1",
    kind: "Thing",
    metadata,
    spec,
  });

  it("has objects only, not lists and requests", () => {
    expect(objects.map(({ type }) => type)).toEqual([{ group: "", version: "v1", kind: "Thing" }]);
  });

  it.each<[string, unknown]>([
    ["everything", { policy: "Keep", count: 1, data: "YQ==", size: "1Gi", port: "http", names: ["a", "b"] }],
    ["a quantity and a port as numbers", { policy: "Drop", size: 1.5, port: 80 }],
    ["null for what may be missing", { policy: "Keep", count: null, size: null, mode: null }],
    ["base64 in several lines", { policy: "Keep", data: "YWFh\nYQ=\n=\n" }],
    ["an empty text for a mode with a default", { policy: "Keep", mode: "" }],
  ])("takes %s", (_, spec) => expect(accepts(thing(spec))).toBe(true));

  it.each<[string, unknown]>([
    ["an unknown field", { policy: "Keep", typo: 1 }],
    ["a missing field", {}],
    ["null for a required field", { policy: null }],
    ["a value outside the enumeration", { policy: "keep" }],
    ["an empty text where there is no default", { policy: "" }],
    ["a text for a number", { policy: "Keep", count: "1" }],
    ["more than 32 bits", { policy: "Keep", count: 2 ** 31 }],
    ["what is not base64", { policy: "Keep", data: "a b" }],
    ["what is cut off", { policy: "Keep", data: "YWFhY" }],
    ["no quantity", { policy: "Keep", size: "1GB" }],
    ["a fraction for a port", { policy: "Keep", port: 1.5 }],
    ["the same name twice in a set", { policy: "Keep", names: ["a", "a"] }],
  ])("refuses %s", (_, spec) => expect(accepts(thing(spec))).toBe(false));

  it("wants a name, and labels that are labels", () => {
    const good = thing({ policy: "Keep" });
    expect(accepts({ ...good, metadata: {} })).toBe(false);
    expect(accepts({ ...good, metadata: { name: "a", labels: { a: "b.c-d_e" } } })).toBe(true);
    expect(accepts({ ...good, metadata: { name: "a", labels: { a: "b c" } } })).toBe(false);
    expect(accepts({ ...good, metadata: { name: "a", labels: { a: 1 } } })).toBe(false);
    expect(accepts({ ...good, kind: "Other" })).toBe(false);
  });

  it("keeps what tells the entries of a list apart", () => {
    const { env } = (objects[0]?.schema.properties?.spec?.properties ?? {}) as any;
    expect(env["x-kubernetes-list-map-keys"]).toEqual(["name"]);
  });
});

describe("custom resources", () => {
  const definition = (spec: OpenApiSchema, versions = [{ name: "v1", served: true }]) => ({
    kind: "CustomResourceDefinition",
    spec: {
      group: "example.org",
      names: { kind: "Thing" },
      versions: versions.map((version) => ({
        ...version,
        schema: { openAPIV3Schema: { type: "object", required: ["spec"], properties: { spec } } },
      })),
    },
  });
  const accepts = (spec: OpenApiSchema, value: unknown): boolean => {
    const [found] = [...customResourceSchemas(definition(spec), kubernetes.metadata())];
    return validator(found?.schema ?? {})({
      apiVersion: "example.org/v1",
      kind: "Thing",
      metadata: { name: "a" },
      spec: value,
    });
  };
  const spec = (properties: Record<string, OpenApiSchema>, more: OpenApiSchema = {}): OpenApiSchema => ({
    type: "object",
    properties,
    ...more,
  });

  it("refuses fields that the API server would prune", () => {
    expect(accepts(spec({ a: text }), { a: "b" })).toBe(true);
    expect(accepts(spec({ a: text }), { b: "b" })).toBe(false);
    expect(accepts(spec({ a: { type: "object" } }), { a: { b: 1 } })).toBe(false);
    expect(accepts(spec({ a: spec({ b: text }) }), { a: { c: "d" } })).toBe(false);
  });

  it("takes any field where the API server keeps them", () => {
    const keep = { "x-kubernetes-preserve-unknown-fields": true };
    expect(accepts(spec({ a: text }, keep), { b: 1 })).toBe(true);
    expect(accepts(spec({ a: text }, keep), { a: 1 })).toBe(false);
    expect(accepts(spec({ a: keep }), { a: [1] })).toBe(true);
    expect(accepts(spec({ a: { type: "object", additionalProperties: text } }), { a: { b: "c" } })).toBe(
      true,
    );
    expect(accepts(spec({ a: { type: "object", additionalProperties: text } }), { a: { b: 1 } })).toBe(false);
  });

  it("takes null for what may be missing, whatever else is said", () => {
    const properties = { a: { ...text, enum: ["b"] }, b: { type: "integer", nullable: true } };
    expect(accepts(spec(properties, { required: ["b"] }), { a: null, b: null })).toBe(true);
    expect(accepts(spec({ a: text }, { required: ["a"] }), { a: null })).toBe(false);
  });

  it("knows numbers that may be texts", () => {
    const port: OpenApiSchema = {
      anyOf: [{ type: "integer" }, { type: "string" }],
      pattern: "^[a-z]+$",
      "x-kubernetes-int-or-string": true,
    };
    expect([1, "http", null].map((value) => accepts(spec({ port }), { port: value }))).toEqual([
      true,
      true,
      true,
    ]);
    expect([1.5, true, "HTTP"].map((value) => accepts(spec({ port }), { port: value }))).toEqual([
      false,
      false,
      false,
    ]);
  });

  it("keeps alternatives, which name fields in part only", () => {
    const either = spec({ a: text, b: text }, { oneOf: [{ required: ["a"] }, { required: ["b"] }] });
    expect(accepts(either, { a: "x" })).toBe(true);
    expect(accepts(either, {})).toBe(false);
    expect(accepts(either, { a: "x", b: "y" })).toBe(false);
    const narrowed = spec({ a: text, b: text }, { allOf: [{ properties: { a: { enum: ["x"] } } }] });
    expect(accepts(narrowed, { a: "x", b: "y" })).toBe(true);
    expect(accepts(narrowed, { a: "z" })).toBe(false);
  });

  it("knows objects within objects", () => {
    const embedded = spec({ a: text }, { "x-kubernetes-embedded-resource": true });
    expect(accepts(embedded, { apiVersion: "v1", kind: "A", metadata: { name: "b" }, a: "c" })).toBe(true);
    expect(accepts(embedded, { apiVersion: "v1", kind: "A", metadata: { nam: "b" } })).toBe(false);
  });

  it("has every version that is served", () => {
    const versions = [
      { name: "v1beta1", served: false },
      { name: "v1", served: true },
      { name: "v2", served: true },
    ];
    const found = [...customResourceSchemas(definition(spec({}), versions), kubernetes.metadata())];
    expect(found.map(({ type }) => type.version)).toEqual(["v1", "v2"]);
  });
});

test("each type has a file of its own, of which kubeconform's template is told", () => {
  const file = (apiVersion: string, kind: string): string => schemaFile({ apiVersion, kind });
  expect(file("v1", "Pod")).toBe("v1/pod_v1.json");
  expect(file("apps/v1", "Deployment")).toBe("apps/deployment_v1.json");
  expect(file("example.org/v1alpha1", "Thing")).not.toBe(file("example.org/v1", "Thing"));
  expect(schemasDirectory()).toMatch(/tools[\\/]schemas[\\/][0-9a-f]{16}$/);
});
