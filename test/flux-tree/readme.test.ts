import path from "node:path";
import { variablesIn, withoutComments } from "../../src/flux-tree";
import { PLACEHOLDERS } from "./produced-names";
import { exists, textOf, yamlFiles } from "./tree";

const readme = textOf("flux/README.md");
const manifests = yamlFiles().map((file) => withoutComments(textOf(file)));
const named = (pattern: RegExp): string[] => [
  ...new Set([...readme.matchAll(pattern)].map((match) => match[1] ?? "")),
];

describe("flux/README.md", () => {
  it("lists the variables that the tree uses, and no others", () => {
    const listed = named(/`(infraConfig_\w+|quote)`/g).sort();

    expect(listed).toEqual([...new Set(manifests.flatMap(variablesIn))].sort());
  });

  it("lists the placeholders that the tree uses, and no others", () => {
    const listed = named(/`((?:my-|[\w.]*@?[\w.]*\bexample\.com)[\w/-]*)`/g).sort();
    const used = [...PLACEHOLDERS].filter((placeholder) =>
      manifests.some((text) =>
        new RegExp(`(?<![\\w.@-])${placeholder.replaceAll(".", "\\.")}(?![\\w.-])`).test(text),
      ),
    );

    expect(listed).toEqual(used.sort());
  });

  it("names only files and folders that exist", () => {
    const places = named(/`((?:apps|clusters|components|infrastructure)\/[a-z0-9./-]+)`/g);

    expect(places.length).toBeGreaterThan(3);
    expect(places.filter((place) => !exists(path.join("flux", place)))).toEqual([]);
  });
});
