import { readFileSync } from "node:fs";
import path from "node:path";
import versions from "../../scripts/tools/versions.json";
import { VERSIONS } from "../../src/flux-tree/tools";
import { exampleProject, REPOSITORY } from "../support/example";

const mise = Object.fromEntries(
  [...readFileSync(path.join(REPOSITORY, "mise.toml"), "utf8").matchAll(/^([\w-]+) = "([^"]+)"$/gm)].map(
    ([, name, version]) => [name, version],
  ),
);
const modules = [versions.schemas.kubernetes, ...versions.schemas.customResources];

test.each(Object.entries(versions.tools))("%s has the version of mise.toml", (name, { version }) => {
  expect(mise[name === "age-keygen" ? "age" : name]).toBe(version);
});

test("mise.toml has the tools that can't be built, and Go for the others", () => {
  expect(Object.keys(mise)).toEqual(expect.arrayContaining(["kubectl", "go"]));
});

test("the schemas are those of kubectl's Kubernetes, and of the one that the clusters run", () => {
  const { version } = versions.schemas.kubernetes;
  const minor = version.replace(/\.\d+$/, "");
  expect(mise.kubectl).toBe(version);
  // DigitalOcean chooses the version where the example names none.
  for (const { cluster } of exampleProject().environments)
    expect([undefined, minor]).toContain(cluster.version);
});

test("every version is exact and every module there once", () => {
  for (const { version } of [...Object.values(versions.tools), ...modules])
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  const names = modules.map(({ module }) => module);
  expect(new Set(names).size).toBe(names.length);
});

test("the program and the installer read the same file", () => {
  expect(VERSIONS).toEqual(versions);
});
