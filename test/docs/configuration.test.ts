import { APPLICATIONS, ConfigurationError, formatProblem, parseProject, statedSizes } from "../../src/config";
import { configurationJsonSchema } from "../../src/config/json-schema";
import { nodeSize } from "../../src/config/node-sizes";
import { profilesFor, storageFor } from "../../src/config/resource-profiles";
import { EXAMPLE_TEXT } from "../support/example";
import { blocks, code, page, rowsWith } from "./markdown";

const text = page("docs/configuration.md");

interface Leaf {
  readonly path: string;
  readonly required: boolean;
  readonly choices: readonly string[];
}

/** The fields of a JSON Schema that hold a value, as the page writes their paths. */
function leaves(schema: any, path: string, required: boolean): Leaf[] {
  if (schema.oneOf) {
    const all = (schema.oneOf as any[]).flatMap((option) => leaves(option, path, required));
    const paths = [...new Set(all.map((leaf) => leaf.path))];
    return paths.map((one) => {
      const same = all.filter((leaf) => leaf.path === one);
      // What tells the variants apart has a default: the whole section may be left out.
      const isVariant = same.length > 1;
      return {
        path: one,
        required: !isVariant && same.every((leaf) => leaf.required),
        choices: same.flatMap((leaf) => leaf.choices),
      };
    });
  }
  if (schema.properties) {
    return Object.entries(schema.properties as Record<string, any>).flatMap(([key, inner]) =>
      leaves(inner, path === "" ? key : `${path}.${key}`, (schema.required ?? []).includes(key)),
    );
  }
  if (schema.type === "array" && schema.items.type === "object")
    return leaves(schema.items, `${path}[]`, false);
  if (schema.type === "object" && schema.additionalProperties?.type === "object")
    return leaves(schema.additionalProperties, `${path}.<name>`, false);
  return [{ path, required, choices: schema.enum ?? (schema.const ? [schema.const] : []) }];
}

const fields = leaves(configurationJsonSchema(), "", false);
const documented = rowsWith(text, "path", "type", "default", "meaning");

test("every field of the schema is documented, and nothing else", () => {
  expect(fields.length).toBeGreaterThan(40);
  expect(documented.map(({ path }) => code(path)).sort()).toEqual(fields.map(({ path }) => path).sort());
});

test("what is required says so, and only that", () => {
  expect(
    documented
      .filter((row) => row.default === "**required**")
      .map(({ path }) => code(path))
      .sort(),
  ).toEqual(
    fields
      .filter(({ required }) => required)
      .map(({ path }) => path)
      .sort(),
  );
});

test("all values of a choice are listed", () => {
  const choices = fields.filter((field) => field.choices.length > 0);
  expect(choices.length).toBeGreaterThan(5);
  for (const field of choices) {
    const row = documented.find(({ path }) => code(path) === field.path);
    expect([field.path, [...(row?.type ?? "").matchAll(/`([^`]+)`/g)].map(([, value]) => value)]).toEqual([
      field.path,
      field.choices,
    ]);
  }
});

test("sizes that applications state are the catalogue's", () => {
  const rows = rowsWith(text, "application", "environment", "requests", "limits", "replicas", "volume");
  const quantities = ({ cpu, memory }: Readonly<Record<string, string>>) => `${cpu}, ${memory}`;
  const stating = Object.keys(APPLICATIONS).filter((name) => APPLICATIONS[name]?.stated);

  expect([...new Set(rows.map((row) => row.application))]).toEqual(stating);
  for (const row of rows) {
    const environment = row.environment === "production" ? "production" : "staging";
    const { resources, replicas, maxReplicas, storageSize } = statedSizes(row.application ?? "", environment);
    expect([row.requests, row.limits]).toEqual(
      [resources?.requests, resources?.limits].map((part) => part && quantities(part)),
    );
    expect(row.replicas).toMatch(new RegExp(`^${replicas}${maxReplicas ? ` to ${maxReplicas}` : ""}(?:,|$)`));
    if (storageSize) expect(row.volume).toBe(storageSize);
    else if (row.volume !== "none")
      expect(code(row.volume)).toBe(APPLICATIONS[row.application ?? ""]?.storage);
  }
});

test("the example sizes are what the formulas give", () => {
  const sizes = rowsWith(text, "`nodeSize`", "`small`");
  expect(sizes.length).toBeGreaterThan(3);
  for (const row of sizes) {
    const slug = code(row["`nodeSize`"]);
    const node = nodeSize(slug);
    if (!node) throw new Error(`${slug} is no node size`);
    const profiles = Object.entries(profilesFor(node)).map(([name, { requests }]) => [
      `\`${name}\``,
      `${requests.cpu}, ${requests.memory}`,
    ]);
    const storage = Object.entries(storageFor(node)).map(([name, { size }]) => [`\`${name}\``, size]);
    expect(row).toEqual({
      "`nodeSize`": `\`${slug}\``,
      ...Object.fromEntries([...profiles, ...storage]),
    });
  }
});

/** The example with a fragment merged into the object at a path; lists are replaced. */
function exampleWith(path: string, fragment: any): string {
  const merge = (target: any, source: any): any => {
    for (const [key, value] of Object.entries(source)) {
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      target[key] = isObject ? merge({ ...(target[key] ?? {}) }, value) : value;
    }
    return target;
  };
  const example = JSON.parse(EXAMPLE_TEXT);
  const target =
    path === "document"
      ? example
      : (path.match(/[^.[\]]+/g) ?? []).reduce((value: any, key) => value[key], example);
  merge(target, fragment);
  return JSON.stringify(example);
}

const json = blocks(text).filter(({ language }) => language === "json");

test("every whole example and every fragment is accepted", () => {
  const accepted = json.filter(({ comment }) => !comment.startsWith("refused"));
  expect(accepted.length).toBeGreaterThanOrEqual(3);
  for (const { comment, text: body } of accepted) {
    const place = /^merge into: (.+)$/.exec(comment)?.[1];
    expect(comment === "" || place !== undefined).toBe(true);
    parseProject(place ? exampleWith(place, JSON.parse(body)) : body);
  }
});

test("the GPU example gives its application the devices and a pool that has them", () => {
  const example = json.find(({ comment }) => comment === "");
  const [environment] = parseProject(example?.text ?? "").environments;

  expect(environment?.applications.transcriber?.resources.limits["nvidia.com/gpu"]).toBe("1");
  expect(environment?.cluster.pools[0]?.node.extendedResources).toEqual({ "nvidia.com/gpu": 1 });
});

test("every error example is refused with exactly the problems below it", () => {
  const all = blocks(text);
  const refused = all.flatMap((block, index) =>
    block.comment.startsWith("refused") ? [{ block, expected: all[index + 1] }] : [],
  );
  expect(refused.length).toBeGreaterThanOrEqual(3);
  for (const { block, expected } of refused) {
    const place = /^refused, merged into: (.+)$/.exec(block.comment)?.[1] ?? "";
    const parse = () => parseProject(exampleWith(place, JSON.parse(block.text)));
    expect(parse).toThrow(ConfigurationError);
    try {
      parse();
    } catch (error) {
      const problems = (error as ConfigurationError).problems.map(formatProblem).join("\n");
      expect(problems).toBe(expected?.text.trimEnd());
    }
  }
});
