import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { EXAMPLE_FILE } from "../../src/config";
import { configurationJsonSchema } from "../../src/config/json-schema";

const validator = addFormats(new Ajv({ strict: true, allErrors: true, allowUnionTypes: true }));
const check = validator.compile(configurationJsonSchema());

const accepts = (file: string): boolean => check(JSON.parse(readFileSync(file, "utf8")));

test("the example and every valid configuration pass in an editor", () => {
  const valid = join(__dirname, "valid");
  const files = [
    join(__dirname, "..", "..", EXAMPLE_FILE),
    ...readdirSync(valid).map((file) => join(valid, file)),
  ];
  expect(files.filter((file) => !accepts(file))).toEqual([]);
});

test("the example refers to the schema that a build writes", () => {
  const example = JSON.parse(readFileSync(join(__dirname, "..", "..", EXAMPLE_FILE), "utf8"));
  expect(example.$schema).toBe("./dist/infrastructure.config.schema.json");
});

test.each([
  "unknown-key-top",
  "unknown-key-nested",
  "missing-project",
  "missing-fields",
  "wrong-types",
  "region-unknown",
  "node-count-zero",
  "state-backend",
  "state-without-bucket",
  "application-storage-unknown",
])("%s is marked in an editor too", (name) => {
  expect(accepts(join(__dirname, "invalid", `${name}.json`))).toBe(false);
});

test("every field of an environment's cluster is described, so that an editor can explain it", () => {
  const schema = configurationJsonSchema() as any;
  const cluster = schema.properties.environments.items.properties.cluster.properties;
  expect(
    Object.entries<any>(cluster)
      .filter(([, field]) => !field.description)
      .map(([name]) => name),
  ).toEqual([]);
});
