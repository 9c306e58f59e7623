import fc from "fast-check";
import { formsOf } from "../../src/redaction/forms";
import { redactorOf } from "./redactor-of";

const PROGRESS = "a line of progress\n";

/** What `--json` gives to a stream after a line of progress. */
function printed(secret: string, document: string): string {
  const redactor = redactorOf([secret]);
  const out = redactor.push(PROGRESS) + redactor.push(Buffer.from(`${document}\n`).toString("latin1"));
  // It is given out at once.
  expect([out.slice(0, PROGRESS.length), redactor.letGo()]).toEqual([PROGRESS, ""]);
  return Buffer.from(out.slice(PROGRESS.length), "latin1").toString();
}

/** What cuts escape sequences in two, and what is syntax. */
const SIGN = fc.constantFrom(
  ...[...'"\\nutrbf/0129eE+-.{}[]:, truefalsé\u2028\u0007\n<&漢🔑ab'],
  "\\u00",
  '\\"',
  "u00e9",
);
const TEXT = fc.array(SIGN, { maxLength: 12 }).map((signs) => signs.join(""));
const SECRET = fc.array(SIGN, { minLength: 8, maxLength: 20 }).map((signs) => signs.join(""));
const LEAF = fc.oneof(
  TEXT,
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);

/** A document with a secret in it: as a value, in the middle of one, as a name, as a part of what is printed. */
const CASE = SECRET.chain((secret) =>
  fc.record({
    secret: fc.constant(secret),
    value: fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        LEAF,
        fc.tuple(TEXT, TEXT).map(([before, after]) => before + secret + after),
        fc.constantFrom(
          ...formsOf(secret),
          JSON.stringify(secret),
          JSON.stringify(JSON.stringify({ secret })),
        ),
        fc.array(tie("node"), { maxLength: 4 }),
        fc.dictionary(fc.oneof(TEXT, fc.constant(secret)), tie("node"), { maxKeys: 4 }),
      ),
    })).node,
    indent: fc.constantFrom(0, 2),
  }),
);

/** Every string in a document, names too. */
function stringsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(Array.isArray(value) ? [] : [name]),
    ...stringsOf(inner),
  ]);
}

test("JSON without a secret in it stays JSON, whatever the secret is, and no string of it has the secret", () => {
  fc.assert(
    fc.property(CASE, ({ secret, value, indent }) => {
      const out = printed(secret, JSON.stringify([value], null, indent));
      const parsed: unknown = JSON.parse(out);
      const forms = formsOf(secret);
      expect(stringsOf(parsed).filter((text) => forms.some((form) => text.includes(form)))).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("also where a part of the printed JSON itself, with its syntax, is a secret", () => {
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 3 }).filter((text) => text.length > 12),
      fc.nat(60),
      fc.integer({ min: 8, max: 30 }),
      (text, from, length) => {
        const document = JSON.stringify([JSON.parse(text)], null, 1);
        const secret = document.slice(from % document.length, (from % document.length) + length);
        fc.pre(secret.length >= 8 && Buffer.from(secret).toString() === secret);
        const out = printed(secret, document);
        expect(() => JSON.parse(out)).not.toThrow();
        // No mask is a part of what is left of the document.
        const left = out.replaceAll(/"\*{3}"|\*{3}/g, "\0");
        // Brackets, commas and space by themselves are no secret that can be read.
        if (/[^\s[\]{}:,"]/.test(secret)) expect(left).not.toContain(secret);
      },
    ),
    { numRuns: 500 },
  );
});

test.each([
  ["a number", "1234567890", '{"id": 1234567890}', { id: "***" }],
  ["a part of a number", "23456789", '{"id": -123456789e2, "b": 1}', { id: "***", b: 1 }],
  ["behind a backslash", "nabcdefgh", '{"a": "x\\nabcdefgh"}', { a: "x***" }],
  ["within an escape sequence", "00e9wxyz", '{"a": "v\\u00e9wxyz!"}', { a: "v***!" }],
  ["up to the middle of an escape sequence", "pqrstuv\\", '{"a": "pqrstuv\\"x"}', { a: "***x" }],
  ["in other escapes than ours", "slashes/of/go", '{"a": "slashes\\/of\\u002fgo!"}', { a: "***!" }],
  [
    "with signs of several bytes",
    "schlüssel🔑漢",
    '{"a": "schl\\u00fcssel\\ud83d\\udd11漢."}',
    { a: "***." },
  ],
  ["over a value and its name", 'name": "value-1', '{"xname": "value-1", "b": 2}', { "x***": "***", b: 2 }],
])("a secret that is %s leaves a document", (_, secret, document, expected) => {
  expect(JSON.parse(printed(secret, document))).toEqual(expected);
});

test("a string with bytes that are no UTF-8 stays what it is beside its secret", () => {
  const redactor = redactorOf(["nabcdefgh", "slashes/of/go"]);
  const document = '["\xff\xc3\\nabcdefgh\xff", "\xff\\tslashes\\/of/go\xff"]\n';
  expect(redactor.push(document)).toBe('["\xff\xc3***\xff", "\xff\\t***\xff"]\n');
});

test("a document without secrets is printed as it is", () => {
  const document = JSON.stringify({ a: "ordinary", b: [1, true, null, "ü\n"] }, null, 2);
  expect(printed("a-secret", document)).toBe(`${document}\n`);
});
