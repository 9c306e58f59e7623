import { originalTextOf, yamlFiles } from "./tree";

/** Anything that looks like a placeholder: a name under the reserved example domains, or `my-…`. */
const LOOKS_LIKE_ONE = /[\w.@-]*\bexample\.(?:com|org|net)\b[\w.-]*|(?<![\w.-])my-[\w-]+/gi;

const files = yamlFiles();

describe("placeholders of flux/", () => {
  const found = files.flatMap((file) =>
    placeholdersIn(originalTextOf(file)).map((placeholder) => ({ file, placeholder })),
  );

  it.each([
    "admin@example.com",
    "flux.example.com",
    "flux.staging.example.com",
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
        (/\/staging\//.test(file) && /^((chat|flux)\.example\.com|my-cluster)$/.test(placeholder)),
    );

    expect(foreign).toEqual([]);
  });
});

function placeholdersIn(text: string): string[] {
  return [...text.matchAll(LOOKS_LIKE_ONE)].map(([placeholder]) => placeholder);
}
