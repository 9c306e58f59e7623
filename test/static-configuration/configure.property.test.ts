import fc from "fast-check";
import {
  pendingFiles,
  replaceTokens,
  restoreBackups,
  type TokenReplacement,
} from "../../src/static-configuration";
import {
  liveFiles,
  makeProject,
  removeProjects,
  snapshot,
  snapshotAsFirst,
  write,
} from "./support/project-tree";
import { configureWell } from "./support/run-configure";
import { removeToolsets, toolsets } from "./support/toolsets";

// Latin-1 characters stand for bytes: what is written is not UTF-8.
const fragment = fc.constantFrom(
  "example.com",
  "chat.example.com",
  "my-cluster",
  "my-cluster-staging",
  // Pieces of placeholders and of values: their neighbours make a whole one of them, or a longer word.
  "example",
  ".com",
  "exam",
  "ple.com",
  "chat.",
  "my-",
  "cluster",
  "-staging",
  "eu.",
  "acme",
  ".io",
  "x",
  "example.com.",
  "example.com.evil",
  "xexample.com",
  "a",
  "b",
  "a.b",
  "acme.io",
  "one two",
  ".",
  "-",
  "_",
  "@",
  "/",
  " ",
  " ",
  "\n",
  "\n",
  "\r\n",
  "\r",
  "\t",
  "\x00",
  "|",
  "&",
  "\\",
  "\\1",
  "[",
  "*",
  "$",
  "^",
  "'",
  '"',
  "\xff",
  "\x01",
  "\x02",
  "\x03",
  "0",
);
const text = fc.array(fragment, { maxLength: 40 }).map((parts) => parts.join(""));
const special = fc.string({ unit: fc.constantFrom(..."ab.01-_@/|&\\[]*$^+?(){}'\"#! ~"), maxLength: 8 });
const placeholder = fc.oneof(
  fc.constantFrom(
    "example.com",
    "chat.example.com",
    "my-cluster",
    "my-cluster-staging",
    "a",
    "a.b",
    "one two",
  ),
  special.map((middle) => `a${middle}b`),
);
const value = fc.oneof(fc.constantFrom("acme.io", "eu.example.com", "my-cluster", "a", "b"), special);
const replacements: fc.Arbitrary<TokenReplacement[]> = fc.uniqueArray(fc.record({ placeholder, value }), {
  minLength: 1,
  maxLength: 6,
  selector: ({ placeholder }) => placeholder,
});

/** Shell runs are slow: few examples each time, more when asked for. */
const runs = (few: number) => fc.readConfigureGlobal().numRuns ?? few;

afterEach(removeProjects);
afterAll(removeToolsets);

function project(texts: readonly string[]): string {
  return makeProject(
    Object.fromEntries(
      texts.map((content, index) => [`flux/d${index % 2}/${index}.yaml`, Buffer.from(content, "latin1")]),
    ),
  );
}

describe.each(toolsets())("with $name", (tools) => {
  afterEach(() => expect(tools.violations()).toBe(""));

  test("configuring gives what replaceTokens gives, twice is once, restoring gives the original bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 6, maxLength: 6 }), replacements, async (texts, table) => {
        const directory = project(texts);
        const originals = snapshot(directory);
        await configureWell(directory, table, { tools });
        const once = snapshot(directory);
        expect(liveFiles(directory)).toEqual(
          Object.fromEntries(
            Object.entries(originals).map(([path, content]) => [path, replaceTokens(content, table)]),
          ),
        );
        expect(pendingFiles(directory, table)).toEqual([]);
        await configureWell(directory, table, { tools });
        expect(snapshot(directory)).toEqual(once);
        expect(restoreBackups(directory).refused).toEqual([]);
        expect(snapshot(directory)).toEqual(originals);
      }),
      { numRuns: runs(15) },
    );
  });

  test("a later table gives the tree as if it had been the first", async () => {
    const two = fc.tuple(replacements, fc.array(value, { minLength: 6, maxLength: 6 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 4, maxLength: 4 }),
        two,
        async (texts, [first, values]) => {
          const second = first.map(({ placeholder }, index) => ({ placeholder, value: values[index] ?? "" }));
          // A pair that changes nothing is not in the table, so that its old value would stay.
          fc.pre(second.every(({ placeholder, value }) => placeholder !== value));
          fc.pre(first.every(({ placeholder, value }) => placeholder !== value));
          const [changed, direct] = [project(texts), project(texts)];
          await configureWell(changed, first, { tools });
          await configureWell(changed, second, { tools });
          expect(pendingFiles(changed, second)).toEqual([]);
          await configureWell(direct, second, { tools });
          expect(snapshotAsFirst(changed)).toEqual(snapshot(direct));
        },
      ),
      { numRuns: runs(6) },
    );
  });

  test("what a user writes elsewhere in a file survives a second run and a changed value", async () => {
    const line = fc
      .string({ unit: fc.constantFrom(..."xyz.:-# \"'&|\\"), maxLength: 20 })
      .map((words) => `mine: ${words}`);
    await fc.assert(
      fc.asyncProperty(text, line, line, async (content, head, tail) => {
        const table = [
          { placeholder: "example.com", value: "acme.io" },
          { placeholder: "my-cluster", value: "prod" },
        ];
        const later = [
          { placeholder: "example.com", value: "startup.dev" },
          { placeholder: "my-cluster", value: "prod" },
        ];
        const original = `host: example.com\n${content.replaceAll("acme.io", "x")}\n`;
        const directory = project([original]);
        await configureWell(directory, table, { tools });
        write(
          directory,
          "flux/d0/0.yaml",
          Buffer.from(`${head}\n${replaceTokens(original, table)}${tail}`, "latin1"),
        );
        await configureWell(directory, later, { tools });
        expect(liveFiles(directory)["flux/d0/0.yaml"]).toBe(
          `${head}\n${replaceTokens(original, later)}${tail}`,
        );
        expect(pendingFiles(directory, later)).toEqual([]);
        // The edits are in what was written last, and all the same no restore takes them away unasked.
        const edited = snapshot(directory);
        expect(restoreBackups(directory).refused).toEqual(["flux/d0/0.yaml"]);
        expect(snapshot(directory)).toEqual(edited);
        restoreBackups(directory, { force: true });
        expect(snapshot(directory)).toEqual({ "flux/d0/0.yaml": original });
      }),
      { numRuns: runs(6) },
    );
  });
});
