import fc from "fast-check";
import { pendingFiles, renderReplacements, replaceTokens } from "../../src/static-configuration";
import { parseRecord, renderRecord } from "../../src/static-configuration/record";
import { makeProject, removeProjects } from "./support/project-tree";
import { table } from "./support/run-configure";

afterEach(removeProjects);

describe("renderReplacements", () => {
  test("longest placeholder first, independent of the order", () => {
    const replacements = table({ b: "1", a: "2", "long.name": "3", same: "same" });
    expect(renderReplacements(replacements)).toBe("long.name\t3\nsame\tsame\na\t2\nb\t1");
    expect(renderReplacements([...replacements].reverse())).toBe(renderReplacements(replacements));
  });

  test.each([
    [{ a: "x\ty" }, 'replacement of "a": "x\\ty" holds a control character; remove it'],
    [{ a: "x\ny" }, 'replacement of "a": "x\\ny" holds a control character; remove it'],
    [{ "a\tb": "x" }, 'replacement of "a\\tb": "a\\tb" holds a control character; remove it'],
    [
      { "": "x" },
      'replacement of "": a placeholder has to begin and end with a letter or a digit (A-Z, a-z, 0-9)',
    ],
    [
      { "-a": "x" },
      'replacement of "-a": a placeholder has to begin and end with a letter or a digit (A-Z, a-z, 0-9)',
    ],
  ])("refuses %j", (replacements, message) => {
    expect(() => renderReplacements(table(replacements))).toThrow(new Error(message));
  });

  test("refuses two values for one placeholder", () => {
    expect(() => renderReplacements([...table({ a: "1" }), ...table({ a: "2" })])).toThrow(
      new Error('replacement of "a": two values, "1" and "2"; keep one'),
    );
  });
});

describe("replaceTokens", () => {
  test("whole tokens, longest first, values not searched again, special characters as they are", () => {
    const replacements = table({
      "example.com": "$&.example.com",
      "chat.example.com": "talk",
      one: "two",
      two: "one",
    });
    expect(replaceTokens("example.com chat.example.com x.example.com.", replacements)).toBe(
      "$&.example.com talk x.$&.example.com.",
    );
    expect(replaceTokens("one two myone one_two one.two one.", replacements)).toBe(
      "two one myone one_two one.one two.",
    );
  });
});

describe("pendingFiles", () => {
  test("agrees with replaceTokens on files that were never configured", () => {
    const words = fc.constantFrom(
      "a",
      "b",
      "a.b",
      "ab",
      "a-b",
      "x",
      ".",
      "-",
      "_",
      "@",
      " ",
      "\n",
      "\x01",
      "\x02",
      "\r\n",
      "é",
    );
    const placeholders = fc.uniqueArray(fc.constantFrom("a", "b", "a.b", "a-b", "ab", "a b", "b.a"), {
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.array(words, { maxLength: 12 }), placeholders, (parts, chosen) => {
        const text = parts.join("");
        const replacements = chosen.map((placeholder, index) => ({ placeholder, value: `<${index}>` }));
        const directory = makeProject({ "flux/a.yaml": text });
        const changes = replaceTokens(text, replacements) !== text;
        expect(pendingFiles(directory, replacements)).toEqual(changes ? ["flux/a.yaml"] : []);
      }),
      { numRuns: 300 },
    );
  });

  test("sorts by bytes and leaves out what needs nothing", () => {
    const directory = makeProject({
      "flux/b.yaml": "a",
      "flux/B.yml": "a",
      "flux/é.yaml": "a",
      "flux/z/a.yaml": "a",
      "flux/none.yaml": "none",
      "flux/a.txt": "a",
    });
    expect(pendingFiles(directory, table({ a: "x" }))).toEqual([
      "flux/B.yml",
      "flux/b.yaml",
      "flux/z/a.yaml",
      "flux/é.yaml",
    ]);
    expect(pendingFiles(directory, table({ a: "a" }))).toEqual([]);
    expect(pendingFiles(makeProject({}), table({ a: "x" }))).toEqual([]);
  });
});

describe("record", () => {
  test("reads what it renders, whatever the names hold", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), (paths) => {
        const record = {
          values: new Map([["example.com", ["acme.dev", "acme.io"]]]),
          former: new Map([["my-cluster", ["prod"]]]),
          files: new Set(paths),
        };
        expect(parseRecord(renderRecord(record))).toEqual(record);
      }),
    );
  });

  test("reads what earlier versions wrote", () => {
    expect(parseRecord("value\ta\tb\nfile\tflux/a.yaml\t930766865\t9\n").files).toEqual(
      new Set(["flux/a.yaml"]),
    );
  });

  test("tolerates CRLF, names the line that can't be read", () => {
    expect(parseRecord("# c\r\nvalue\ta\tb\r\n").values.get("a")).toEqual(["b"]);
    expect(() => parseRecord("value\ta\tb\n=======\n")).toThrow(
      new Error(
        'flux/.backups/configured.txt, line 2: "=======" cannot be read; resolve the merge conflict (keep the lines of both sides) or restore the file from Git',
      ),
    );
  });
});
