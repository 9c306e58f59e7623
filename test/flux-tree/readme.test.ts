import path from "node:path";
import { variablesIn, withoutComments } from "../../src/flux-tree";
import { ENVIRONMENTS, PLACEHOLDERS, producedVariables } from "./produced-names";
import {
  exists,
  isOfRemovedApplication,
  OWN_APPLICATIONS,
  originalTextOf,
  REMOVED_APPLICATIONS,
  textOf,
  yamlFiles,
} from "./tree";

const readme = textOf("flux/README.md");
/** The template's: the page doesn't list what only an application of the owner's own uses. */
const manifests = yamlFiles()
  .filter((file) => !OWN_APPLICATIONS.some((name) => file.startsWith(`flux/apps/${name}/`)))
  .map((file) => withoutComments(originalTextOf(file)));
/** Without the template's whole tree, what the page lists beyond it may be a removed application's. */
const isWhole = REMOVED_APPLICATIONS.length === 0;
const named = (pattern: RegExp): string[] => [
  ...new Set([...readme.matchAll(pattern)].map((match) => match[1] ?? "")),
];

describe("flux/README.md", () => {
  it("lists the variables that the tree uses, and no others", () => {
    const listed = named(/`(infraConfig_\w+|quote)`/g);
    const used = new Set(manifests.flatMap(variablesIn));

    expect([...used].filter((name) => !listed.includes(name))).toEqual([]);
    const produced = ENVIRONMENTS.flatMap((environment) => Object.keys(producedVariables(environment)));
    expect(listed.filter((name) => !used.has(name) && (isWhole || !produced.includes(name)))).toEqual([]);
  });

  it("lists the placeholders that the tree uses, and no others", () => {
    const listed = named(/`((?:my-|[\w.]*@?[\w.]*\bexample\.com)[\w/-]*)`/g);
    const used = [...PLACEHOLDERS].filter((placeholder) =>
      manifests.some((text) =>
        new RegExp(`(?<![\\w.@-])${placeholder.replaceAll(".", "\\.")}(?![\\w.-])`).test(text),
      ),
    );

    expect(used.filter((name) => !listed.includes(name))).toEqual([]);
    expect(listed.filter((name) => !used.includes(name) && (isWhole || !PLACEHOLDERS.has(name)))).toEqual([]);
  });

  it("names only files and folders that exist", () => {
    const places = named(/`((?:apps|clusters|components|infrastructure)\/[a-z0-9./-]+)`/g);

    expect(places.length).toBeGreaterThan(3);
    expect(
      places
        .map((place) => path.join("flux", place))
        .filter((place) => !exists(place) && !isOfRemovedApplication(place)),
    ).toEqual([]);
  });
});
