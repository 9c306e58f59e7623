import digitalOcean from "../../sandbox/schemas/digitalocean.json";
import gitHub from "../../sandbox/schemas/github.json";
import kubernetes from "../../sandbox/schemas/kubernetes.json";
import nullSchema from "../../sandbox/schemas/null.json";
import { Playground } from "./terraform";

const SCHEMAS = {
  "registry.terraform.io/digitalocean/digitalocean": digitalOcean,
  "registry.terraform.io/hashicorp/kubernetes": kubernetes,
  "registry.terraform.io/hashicorp/null": nullSchema,
  "registry.terraform.io/integrations/github": gitHub,
} as const;

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** A schema without what terraform adds about texts, which the data files leave out. */
function withoutTexts(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutTexts);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, entry]) => name !== "description_kind" && !(name === "block" && isEmpty(entry)))
      .map(([name, entry]) => [name, withoutTexts(entry)]),
  );
}

const isEmpty = (value: Json | undefined): boolean =>
  typeof value === "object" &&
  value !== null &&
  Object.keys(value).every((name) => name === "description_kind");

let reported: Record<string, Json>;

beforeAll(async () => {
  const playground = await Playground.start();
  try {
    const workspace = await playground.workspace("schemas", "");
    const { output } = await workspace.run("providers", "schema", "-json");
    reported = (JSON.parse(output) as { provider_schemas: Record<string, Json> }).provider_schemas;
  } finally {
    await playground.stop();
  }
});

test("terraform sees the four providers and no other", () => {
  expect(Object.keys(reported).sort()).toStrictEqual(Object.keys(SCHEMAS).sort());
});

describe.each(Object.entries(SCHEMAS))(
  "the schemas that %s reports are those of the data file",
  (address, schema) => {
    const found = () => reported[address] as Record<string, Record<string, Json>>;

    test("provider block", () => {
      expect(withoutTexts(found().provider as Json)).toStrictEqual(withoutTexts(schema.provider as Json));
    });

    test("names of resources and data sources", () => {
      expect(Object.keys(found().resource_schemas ?? {}).sort()).toStrictEqual(
        Object.keys(schema.resource_schemas).sort(),
      );
      expect(Object.keys(found().data_source_schemas ?? {}).sort()).toStrictEqual(
        Object.keys(schema.data_source_schemas).sort(),
      );
    });

    test.each([
      ...Object.keys(schema.resource_schemas).map((name) => ["resource_schemas", name]),
      ...Object.keys(schema.data_source_schemas).map((name) => ["data_source_schemas", name]),
    ] as Array<["resource_schemas" | "data_source_schemas", string]>)("%s %s", (section, name) => {
      const expected = (schema[section] as Record<string, Json>)[name] as Json;
      expect(withoutTexts(found()[section]?.[name] as Json)).toStrictEqual(withoutTexts(expected));
    });
  },
);
