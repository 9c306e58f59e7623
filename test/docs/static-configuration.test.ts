import { replacementsFor } from "../../src/flux";
import { replaceTokens } from "../../src/static-configuration";
import { EXAMPLE_TEXT, exampleProject } from "../support/example";
import { code, page, rowsWith } from "./markdown";

const text = page("docs/static-configuration.md");
const DOMAIN = "acme.example";

/** The example under the page's own domain; environments derive theirs. */
function pagesExample(change: (document: any) => void = () => undefined) {
  return exampleProject((document) => {
    Object.assign(document, JSON.parse(EXAMPLE_TEXT.replaceAll("example.com", DOMAIN)));
    change(document);
  });
}

const documented = rowsWith(text, "placeholder", "becomes", "field", "environment");
const table = (project: ReturnType<typeof pagesExample>): Record<string, string> =>
  Object.fromEntries(replacementsFor(project).map(({ placeholder, value }) => [placeholder, value]));

test("the page lists exactly the placeholders that are replaced, with their values", () => {
  expect(Object.fromEntries(documented.map((row) => [code(row.placeholder), code(row.becomes)]))).toEqual(
    table(pagesExample()),
  );
});

const CHANGED: Readonly<Record<string, string>> = {
  "project.name": "other-name",
  "project.domain": "other.example",
  "project.email": "someone@other.example",
  "project.registry": "registry.other.example/team",
  "github.owner": "someone-else",
  "environments[].domain": "other.example",
};

test.each(documented.map((row) => [code(row.placeholder), row] as const))(
  "%s follows from the field that the page names",
  (placeholder, row) => {
    const field = code(row.field);
    const value = CHANGED[field];
    if (value === undefined) throw new Error(`the page names a field that this test doesn't know: ${field}`);
    const changed = pagesExample((document) => {
      const [, key = ""] = field.split(".");
      const [name = ""] = field.split(".");
      const section =
        name in document && !Array.isArray(document[name])
          ? document[name]
          : document.environments.find(({ name }: { name: string }) => name === row.environment);
      section[key] = value;
    });

    expect(table(changed)[placeholder]).not.toBe(code(row.becomes));
    expect(table(changed)[placeholder]).toContain(value);
  },
);

test("a further environment has staging's placeholders under its own name", () => {
  const further = Object.keys(
    table(
      pagesExample((document) => {
        document.environments.push({ ...document.environments[0], name: "trial", domain: undefined });
      }),
    ),
  ).filter((placeholder) => placeholder.includes("trial"));
  const staging = documented
    .filter((row) => row.environment === "staging")
    .map((row) => code(row.placeholder));

  expect(further.sort()).toEqual(
    staging.map((placeholder) => placeholder.replace("staging", "trial")).sort(),
  );
});

test("whole words are as the page describes them", () => {
  const replaced = (word: string): string => replaceTokens(word, replacementsFor(pagesExample()));
  const [stay = "", become = ""] =
    /counts only as a whole word: ([\s\S]*?) stay, ([\s\S]*?)\. The longest/.exec(text)?.slice(1) ?? [];
  const words = (part: string): string[] =>
    [...part.matchAll(/`([^`]+)`/g)].map(([, word]) => word as string);

  expect(words(stay).length).toBe(3);
  expect(words(stay).map(replaced)).toEqual(words(stay));
  const [before = "", after] = words(become);
  expect(replaced(before)).toBe(after);
});
