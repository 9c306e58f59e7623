import { parse } from "yaml";
import {
  infrastructureValues,
  infrastructureVariables,
  VALUES_CONFIG_MAP,
  VALUES_KEY,
  VARIABLES_CONFIG_MAP,
} from "../../src/flux";
import { exampleProject } from "../support/example";
import { blocks, code, page, rowsWith } from "./markdown";

const text = page("docs/variables.md");
const documented = rowsWith(text, "variable", "what it holds", "example").map((row) => ({
  pattern: code(row.variable),
  example: code(row.example),
}));

/** The example, a second application and another profile with names that need care. */
const projects = [
  exampleProject(),
  exampleProject((document) => {
    document.resourceProfiles["very-small"] = { cpu: "100m", memory: "128Mi" };
    document.applications["my-application"] = { profile: "very-small" };
    delete document.environments[1].cluster.minNodes;
    delete document.environments[1].cluster.maxNodes;
  }),
];
const environments = projects.flatMap((project) => project.environments);
const production = projects[0]?.environments.find(({ name }) => name === "production");
if (!production) throw new Error("the example has no production environment");

const underscored = (names: Iterable<string>): string =>
  [...new Set(names)].map((name) => name.replaceAll("-", "_")).join("|");
const KEYS: Readonly<Record<string, string>> = {
  "<application>": underscored(environments.flatMap(({ applications }) => Object.keys(applications))),
  "<profile>": underscored(environments.flatMap(({ resourceProfiles }) => Object.keys(resourceProfiles))),
  "<storage>": underscored(environments.flatMap(({ storage }) => Object.keys(storage))),
};
const matcher = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace(/<\w+>/g, (key) => `(?:${KEYS[key] ?? "unknown key"})`)}$`);

test("every produced variable is documented once", () => {
  const produced = [
    ...new Set(environments.flatMap((environment) => Object.keys(infrastructureVariables(environment)))),
  ];

  expect(produced.length).toBeGreaterThan(60);
  expect(
    produced.filter((name) => documented.filter(({ pattern }) => matcher(pattern).test(name)).length !== 1),
  ).toEqual([]);
});

test("every documented variable is produced, in every environment", () => {
  for (const environment of environments) {
    const names = Object.keys(infrastructureVariables(environment));
    expect(documented.filter(({ pattern }) => !names.some((name) => matcher(pattern).test(name)))).toEqual(
      [],
    );
  }
});

test("the example values are the real ones", () => {
  const variables = infrastructureVariables(production);
  for (const { pattern, example } of documented) {
    // Not every application has every variable: the page then shows chatbox's.
    const candidates = ["mattermost", "chatbox"].map((application) =>
      pattern
        .replace("<application>", application)
        .replace("<profile>", "medium")
        .replace("<storage>", "bulk"),
    );
    const name = candidates.find((candidate) => candidate in variables) ?? pattern;
    const value = variables[name] ?? "";
    const cut = example.endsWith("…") ? example.slice(0, -1) : undefined;
    expect(`${name} = ${cut === undefined ? value : value.slice(0, cut.length)}`).toBe(
      `${name} = ${cut ?? example}`,
    );
    if (cut !== undefined) expect(value.length).toBeGreaterThan(cut.length);
  }
});

test("the spellings that replace the dotted ones are produced", () => {
  const table = rowsWith(text, "in the old document", "write");
  expect(table.length).toBeGreaterThan(0);
  for (const row of table) {
    const [old, right] = [code(row["in the old document"]), code(row.write)];
    expect(right).toBe(old.replaceAll(".", "_"));
    expect(infrastructureVariables(production)).toHaveProperty([right.slice(2, -1)]);
  }
});

const yaml = blocks(text).filter(({ language }) => language === "yaml");

test("manifests in the page use variables that exist and name the real ConfigMaps", () => {
  const used = [
    ...yaml
      .map((block) => block.text)
      .join("\n")
      .matchAll(/\$\{(\w+)\}/g),
  ].map(([, name]) => name);
  const names = Object.keys(infrastructureVariables(production));

  expect(used.length).toBeGreaterThan(2);
  expect(used.filter((name) => !names.includes(name as string))).toEqual([]);
  const objects = yaml.map((block) => parse(block.text));
  const kustomization = objects.find(({ kind }) => kind === "Kustomization");
  const release = objects.find(({ kind }) => kind === "HelmRelease");
  expect(kustomization.spec.postBuild.substituteFrom).toEqual([
    { kind: "ConfigMap", name: VARIABLES_CONFIG_MAP },
  ]);
  expect(release.spec.valuesFrom).toEqual([
    { kind: "ConfigMap", name: VALUES_CONFIG_MAP, valuesKey: VALUES_KEY },
  ]);
});

test("the shortened document is a part of the real one", () => {
  const document = yaml.map((block) => parse(block.text)).find((value) => value.resourceProfiles);

  expect(infrastructureValues(production)).toMatchObject(document);
});
