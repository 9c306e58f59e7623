import { PLACEHOLDERS } from "./produced-names";
import { textOf, yamlFiles } from "./tree";

/** Anything that looks like a placeholder: a name under the reserved example domains, or `my-…`. */
const LOOKS_LIKE_ONE = /[\w.@-]*\bexample\.(?:com|org|net)\b[\w.-]*|(?<![\w.-])my-[\w-]+/gi;

const files = yamlFiles();

describe("placeholders of flux/", () => {
  const found = files.flatMap((file) =>
    placeholdersIn(textOf(file)).map((placeholder) => ({ file, placeholder })),
  );

  it("are exactly names that the static configuration replaces", () => {
    expect(found.filter(({ placeholder }) => !PLACEHOLDERS.has(placeholder))).toEqual([]);
  });

  it.each([
    "admin@example.com",
    "chat.example.com",
    "chat.staging.example.com",
    "my-cluster",
    "my-cluster-staging",
    "my-project",
  ])("include %s", (placeholder) => {
    expect(found.map((one) => one.placeholder)).toContain(placeholder);
  });

  it("are those of the environment in its own folders", () => {
    const foreign = found.filter(
      ({ file, placeholder }) =>
        (/\/production\//.test(file) && placeholder.includes("staging")) ||
        (/\/staging\//.test(file) && /^(chat\.example\.com|my-cluster)$/.test(placeholder)),
    );

    expect(foreign).toEqual([]);
  });
});

it("an undocumented placeholder would be seen", () => {
  expect(
    placeholdersIn(
      "a: https://wiki.example.com/x b: my-clusters c: my-cluster d: not-my-x e: me@example.org",
    ),
  ).toEqual(["wiki.example.com", "my-clusters", "my-cluster", "me@example.org"]);
});

function placeholdersIn(text: string): string[] {
  return [...text.matchAll(LOOKS_LIKE_ONE)].map(([placeholder]) => placeholder);
}
