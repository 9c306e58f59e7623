import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { SANDBOX_DIRECTORY } from "../../src/place";
import { clearDotenv, DOTENV_FIX, dotenvReadings, readDotenv, setDotenv } from "../../src/workspace";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hybrid-gitops-dotenv-test-"));
  file = join(folder, ".env");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const concealed = (): Record<string, string> => Object.fromEntries(dotenvReadings(file));

test.each<[string, Record<string, string>]>([
  ["A=1\n\n  # it's a comment\nB=2 # behind\nC=\n", { A: "1", B: "2" }],
  [
    "export A=1\nexport  B=2\n\tC=3\n\texport D=4\r\nE.f-g=5",
    { A: "1", B: "2", C: "3", D: "4", "E.f-g": "5" },
  ],
  ["\ufeffA=1\nB=2", { A: "1", B: "2" }],
  ["\ufeff# Windows\r\nA=1\r\nB='2'\r\n\r\nC=\"x\r\ny\"\r\n", { A: "1", B: "2", C: "x\ny" }],
  ["A='one\ntwo words, no = sign\n\nthree'\nB=2", { A: "one\ntwo words, no = sign\n\nthree", B: "2" }],
  [
    'A="-----BEGIN KEY-----\nabc\n-----END KEY-----" # a key\nB=`x\ny`',
    { A: "-----BEGIN KEY-----\nabc\n-----END KEY-----", B: "x\ny" },
  ],
  ["A=\"it's\"\nB='b'\nC='say \"x\"'\nD=`'\"`", { A: "it's", B: "b", C: 'say "x"', D: "'\"" }],
  [
    "A='Tr0ub4dor#3xY'\nB=\"Tr0ub4dor #3xY\"\nC='a\\b'",
    { A: "Tr0ub4dor#3xY", B: "Tr0ub4dor #3xY", C: "a\\b" },
  ],
  ['A="one\\ntwo"', { A: "one\ntwo" }],
  [
    "A=a=b==\nB=a*?[x]~!{y}^%,@:/+b\nC='$HOME$(touch)'",
    { A: "a=b==", B: "a*?[x]~!{y}^%,@:/+b", C: "$HOME$(touch)" },
  ],
  // What is common needs no quotes, and what is in single quotes is itself.
  [
    "A=dop_v1_0123abc\nB=ghp_Ab0\nC=aB3+/x8==\nD=https://user@mail.example:465/a~b?x=1%20\nE='https://a.example/?b=1&c=2'",
    {
      A: "dop_v1_0123abc",
      B: "ghp_Ab0",
      C: "aB3+/x8==",
      D: "https://user@mail.example:465/a~b?x=1%20",
      E: "https://a.example/?b=1&c=2",
    },
  ],
  ["A='~/x;y|z'\nB='a\u00a0b\u200b'\nC=\"“x”\"", { A: "~/x;y|z", B: "a\u00a0b\u200b", C: "“x”" }],
  // Single letters, with and without a line end.
  ["A=x\nB=y\nC='z'\nD=w", { A: "x", B: "y", C: "z", D: "w" }],
  ["A=''\nB=\"\"\nC=  \nD= # none\n", {}],
  // The line of the example, and one's own below it.
  ["A=\n# mine\nA=1\nB=2\nB='2'", { A: "1", B: "2" }],
  ["# Schlüssel\nA='Schlüssel'\n", { A: "Schlüssel" }],
])("%j has the variables that it says", (text, variables) => {
  writeFileSync(file, text);
  expect(readDotenv(file)).toEqual(variables);
  expect(concealed()).toEqual(variables);
  expect(clearDotenv(file)).toEqual(variables);
});

const NO_ASSIGNMENT = "is neither empty nor a comment nor of the form NAME=value";

test.each<[string, Array<[number, string]>, string[]]>([
  ["DIGITALOCEAN_TOKEN dop_v1_x\nGITHUB_TOKEN=ghp_1\n", [[1, NO_ASSIGNMENT]], ["ghp_1"]],
  [
    "A=1\nexport B\n# fine\nC: 3\r\nD=4",
    [
      [2, NO_ASSIGNMENT],
      [4, NO_ASSIGNMENT],
    ],
    ["1", "4"],
  ],
  ["A='x\ny'\nB x\nC=3", [[3, NO_ASSIGNMENT]], ["x\ny", "3"]],
  ["A=1\nB='x\nC=3", [[2, "begins a value with ' and no line ends it"]], ["1", "x", "3"]],
  [
    "A B=1\n=2\nC=3",
    [
      [1, NO_ASSIGNMENT],
      [2, NO_ASSIGNMENT],
    ],
    ["1", "2", "3"],
  ],
  [
    "A=Tr0ub4dor#3xY",
    [[1, "has a # that may be part of the value or begin a comment (character 12)"]],
    ["Tr0ub4dor", "Tr0ub4dor#3xY"],
  ],
  [
    "A=Tr0ub4dor #3xY",
    [[1, "has a # that may be part of the value or begin a comment (character 13)"]],
    ["Tr0ub4dor", "Tr0ub4dor #3xY"],
  ],
  ["A=#3xY", [[1, "has a # that may be part of the value or begin a comment (character 3)"]], ["#3xY"]],
  ["export A=two words", [[1, "has blanks in a value without quotes (character 13)"]], ["two words"]],
  ["A=it's", [[1, "has a quote within a value without quotes (character 5)"]], ["it's"]],
  ["A=a\\b", [[1, "has a backslash in a value without quotes (character 4)"]], ["a\\b"]],
  ["A =1", [[1, "has a blank before the = (character 2)"]], ["1"]],
  ["  export A\t= 'x'", [[1, "has a blank before the = (character 11)"]], ["x"]],
  ["A = 'first\nsecond'\nB=2", [[1, "has a blank before the = (character 2)"]], ["first\nsecond", "2"]],
  ["A= 1", [[1, "has a blank after the = (character 3)"]], ["1"]],
  ["A= 'x y' # z", [[1, "has a blank after the = (character 3)"]], ["x y"]],
  ...["$", ";", "&", "|", "<", ">", "(", ")"].map((sign): [string, Array<[number, string]>, string[]] => [
    `A=ab${sign}cd`,
    [[1, `has a ${sign} in a value without quotes, which a shell doesn't take as it stands (character 5)`]],
    [`ab${sign}cd`],
  ]),
  [
    "A=~/x",
    [[1, "has a ~ in a value without quotes, which a shell doesn't take as it stands (character 3)"]],
    ["~/x"],
  ],
  [
    "A=x:~/y",
    [[1, "has a ~ in a value without quotes, which a shell doesn't take as it stands (character 5)"]],
    ["x:~/y"],
  ],
  ["A=ab`cd`", [[1, "has a quote within a value without quotes (character 5)"]], ["ab`cd`"]],
  ...["$", "`"].map((sign): [string, Array<[number, string]>, string[]] => [
    `A="ab${sign}cd"`,
    [[1, `has a ${sign} in double quotes, which a shell doesn't take as it stands`]],
    [`ab${sign}cd`],
  ]),
  [
    "A=ab\u00a0cd",
    [[1, "has U+00A0 NO-BREAK SPACE in a value without quotes (character 5)"]],
    ["ab\u00a0cd", "abcd", "ab"],
  ],
  ["A=abcd\u00a0", [[1, "has U+00A0 NO-BREAK SPACE in a value without quotes (character 7)"]], ["abcd"]],
  ["A=\u00a0'abcd'", [[1, "has U+00A0 NO-BREAK SPACE in a value without quotes (character 3)"]], ["abcd"]],
  [
    "A=ü\u{1f600}b\u200bcd",
    [[1, "has U+200B ZERO WIDTH SPACE in a value without quotes (character 6)"]],
    ["ü\u{1f600}bcd"],
  ],
  [
    "A=\ufeffabcd",
    [[1, "has U+FEFF ZERO WIDTH NO-BREAK SPACE in a value without quotes (character 3)"]],
    ["abcd"],
  ],
  ["A=ab\u3164cd", [[1, "has U+3164 in a value without quotes (character 5)"]], ["abcd"]],
  [
    "A=“abcd”",
    [[1, "has U+201C LEFT DOUBLE QUOTATION MARK in a value without quotes (character 3)"]],
    ["“abcd”", "abcd"],
  ],
  [
    "A=ab’cd",
    [[1, "has U+2019 RIGHT SINGLE QUOTATION MARK in a value without quotes (character 5)"]],
    ["ab’cd"],
  ],
  ["A\u00a0=abcd", [[1, "has U+00A0 NO-BREAK SPACE (character 2)"]], ["abcd"]],
  ["\u200bA=abcd", [[1, "has U+200B ZERO WIDTH SPACE (character 1)"]], ["abcd"]],
  ['A="a\\tb"', [[1, "has a backslash in double quotes"]], ["a\\tb"]],
  ["A='x'y", [[1, "has more text behind the closing quote"]], ["x", "'x'y"]],
  ["A='ab'#cd'", [[1, "has more text behind the closing quote"]], ["ab", "ab'#cd"]],
  ["A='", [[1, "begins a value with ' and no line ends it"]], []],
  ["A=a\u0007b", [[1, "has a control character in its value (character 4)"]], ["a\u0007b"]],
  ["A=one\n\nA=two", [[3, "gives a variable another value than line 1 does"]], ["one", "two"]],
  ["A=one\nA=", [[2, "gives a variable another value than line 1 does"]], ["one"]],
])(
  "%j is refused by line and with the reason, shows no value, and is concealed all the same",
  (text, problems, values) => {
    writeFileSync(file, text);
    const lines = problems.map(([line, problem]) => `  line ${line} ${problem}`);
    expect(() => readDotenv(file)).toThrow(
      new Error([".env can't be read:", ...lines, DOTENV_FIX].join("\n")),
    );
    expect(dotenvReadings(file).map(([, value]) => value)).toEqual(expect.arrayContaining(values));
  },
);

test.each<[string, Buffer, RegExp]>([
  [
    "UTF-16",
    Buffer.from("\ufeffDIGITALOCEAN_TOKEN=hidden-value\r\n", "utf16le"),
    /it is UTF-16\. Save it as UTF-8/,
  ],
  ["UTF-16 without a mark", Buffer.from("DIGITALOCEAN_TOKEN=hidden-value\n", "utf16le"), /NUL bytes/],
  ["NUL bytes", Buffer.from("A=1\nDIGITALOCEAN_TOKEN=hidden\0value\n"), /NUL bytes/],
  ["Latin-1", Buffer.from("A=hidden-\xfc\n", "latin1"), /it is not UTF-8\. Save it as UTF-8/],
])("a file with %s is refused, and what can be read of it is concealed", (name, bytes, message) => {
  writeFileSync(file, bytes);
  expect(() => readDotenv(file)).toThrow(message);
  expect(() => readDotenv(file)).not.toThrow(/hidden/);
  if (name.startsWith("UTF-16")) expect(concealed()).toEqual({ DIGITALOCEAN_TOKEN: "hidden-value" });
});

test("a sandbox's is named with the sandbox; none is empty, and what is no file is reported", () => {
  expect([readDotenv(file), concealed()]).toEqual([{}, {}]);
  mkdirSync(file);
  expect(() => readDotenv(file)).toThrow(
    /^\.env can't be read \(EISDIR.*\): make it a file that you can read$/,
  );
  expect(concealed()).toEqual({});
  const name = `test-dotenv-${process.pid}`;
  const sandbox = join(SANDBOX_DIRECTORY, name);
  mkdirSync(sandbox, { recursive: true });
  try {
    writeFileSync(join(sandbox, ".env"), "SPACES_ACCESS_KEY_ID x\n");
    expect(() => readDotenv(join(sandbox, ".env"))).toThrow(
      `.sandbox/${name}/.env can't be read:\n  line 1 is`,
    );
  } finally {
    rmSync(sandbox, { recursive: true, force: true });
  }
});

test("a value that is set is read back, and every other line stays as it is", () => {
  writeFileSync(file, "\ufeff# mine\r\nA=1\r\nB='x\ny'\r\nC=3\nB=\n", { mode: 0o644 });
  setDotenv(file, { B: "new#value", D: "it's" });
  expect(readFileSync(file, "utf8")).toBe("\ufeff# mine\r\nA=1\r\nB='new#value'\r\nC=3\nD=\"it's\"\n");
  expect(readDotenv(file)).toEqual({ A: "1", B: "new#value", C: "3", D: "it's" });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  chmodSync(file, 0o600);
});

test("whatever is written is read as it was", () => {
  const value = fc.string({ minLength: 1, unit: fc.constantFrom(..."ab1 #'\"\\=$`{}\n;~:\u00a0\u200b“") });
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("A", "B", "C_1"), value), (values) => {
      rmSync(file, { force: true });
      try {
        setDotenv(file, values);
      } catch (error) {
        expect((error as Error).message).toMatch(/quotes of both kinds/);
        return;
      }
      expect(readDotenv(file)).toEqual(values);
    }),
  );
});
