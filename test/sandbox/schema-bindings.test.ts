import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/example";

/**
 * The CDKTF bindings were generated from the same versions of the providers, so both have to know the same arguments.
 * (Where the data of sandbox/schemas came from, every attribute called `description` was lost.)
 */
interface Block {
  readonly attributes?: Readonly<
    Record<string, { computed?: boolean; optional?: boolean; required?: boolean }>
  >;
  readonly block_types?: Readonly<Record<string, unknown>>;
}
interface Schemas {
  readonly resource_schemas: Readonly<Record<string, { block: Block }>>;
  readonly data_source_schemas: Readonly<Record<string, { block: Block }>>;
}

const cases = ["digitalocean", "github", "kubernetes"].flatMap((provider) => {
  const schemas: Schemas = JSON.parse(
    readFileSync(join(REPOSITORY, "sandbox", "schemas", `${provider}.json`), "utf8"),
  );
  const of = (kind: keyof Schemas, prefix: string) =>
    Object.entries(schemas[kind]).map(([type, { block }]) => {
      const name = type.slice(provider.length + 1).replaceAll("_", "-");
      const file = join(
        REPOSITORY,
        "node_modules",
        "@cdktf",
        `provider-${provider}`,
        "lib",
        `${prefix}${name}`,
        "index.d.ts",
      );
      return { title: `${prefix}${type}`, file, block };
    });
  return [...of("resource_schemas", ""), ...of("data_source_schemas", `data-${provider}-`)];
});

function argumentsOfBinding(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const [, config = ""] =
    /export interface \w+Config extends cdktf\.TerraformMetaArguments \{([\s\S]*?)\n\}/.exec(text) ?? [];
  return [...new Set([...config.matchAll(/#(\w+) \w+#\w+\}/g)].map(([, name]) => name as string))].sort();
}

test("the bindings are those that the stacks use", () => {
  expect(cases.length).toBeGreaterThan(60);
  expect(cases.filter(({ file }) => !existsSync(file))).toEqual([]);
});

test.each(cases)("$title takes the arguments of its binding", ({ file, block }) => {
  const settable = Object.entries(block.attributes ?? {}).filter(
    ([, { optional, required }]) => optional || required,
  );
  const own = [...settable.map(([name]) => name), ...Object.keys(block.block_types ?? {})].sort();
  expect(own).toEqual(argumentsOfBinding(file));
});
