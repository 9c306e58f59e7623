import fc from "fast-check";
import { concealValues, redact } from "../../src/redaction";
import { formsOf } from "../../src/redaction/forms";
import { redactorOf } from "./redactor-of";

/** None of these can be part of a secret below, nor of what it is encoded as. */
const SURROUNDINGS = fc
  .array(fc.constantFrom(" ", "\n", "ü", "€", "😀", "~", "`", "^"), { maxLength: 12 })
  .map((signs) => signs.join(""));
/** Signs that mean something in JSON, addresses, patterns and PEM, and those of two to four bytes. */
const SIGNS = [..."abcXYZ0189\"\\/{}[]()<>&'=+-_.:,;*?$|#%@!é漢🔑"];
const SECRET = fc
  .array(fc.constantFrom(...SIGNS), { minLength: 8, maxLength: 40 })
  .map((signs) => signs.join(""));
const CUTS = fc.array(fc.nat(400), { maxLength: 12 });

/** Concealed too, where the looks of a secret are tested: they begin with what can be the middle of one. */
const OTHERS = ["aB3aBcdefgh", "9QZ9QZ-other", "QzQyabcdefg", "0a9f0a9f-no", "def-ghi-no-more", "-----other"];

/** Bytes in pieces that are cut at these places, within characters too. */
function piecesOf(text: string, cuts: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const places = [0, ...[...cuts].filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

/** What comes out of pieces; after those that are named everything is let go, as the timer does. */
function throughPieces(
  pieces: readonly Buffer[],
  letGoAfter: ReadonlySet<number> = new Set(),
  secrets: readonly string[] = OTHERS,
): string {
  const redactor = redactorOf(secrets);
  const out = pieces.map((piece, index) => {
    const settled = redactor.push(piece.toString("latin1"));
    return letGoAfter.has(index) ? settled + redactor.letGo() : settled;
  });
  return Buffer.from(out.join("") + redactor.letGo(), "latin1").toString();
}

test("a secret is concealed wherever its text is cut into pieces, and the rest is the same byte for byte", () => {
  fc.assert(
    fc.property(SECRET, SURROUNDINGS, SURROUNDINGS, CUTS, (secret, before, after, cuts) => {
      const pieces = piecesOf(`${before}${secret}${after}`, cuts);
      expect(throughPieces(pieces, new Set(), [secret])).toBe(`${before}***${after}`);
    }),
    { numRuns: 400 },
  );
});

test("no form of a secret is given out whole, also where its begin has been let go before the rest came", () => {
  fc.assert(
    fc.property(
      SECRET,
      fc.nat(30),
      SURROUNDINGS,
      SURROUNDINGS,
      CUTS,
      fc.uniqueArray(fc.nat(12)),
      (secret, chosen, before, after, cuts, pauses) => {
        const forms = formsOf(secret);
        const form = forms[chosen % forms.length] as string;
        const out = throughPieces(piecesOf(`${before}${form}${after}`, cuts), new Set(pauses), [secret]);
        expect(out).not.toContain(form);
        expect(out).toContain("***");
        expect([out.startsWith(before), out.endsWith(after)]).toEqual([true, true]);
      },
    ),
    { numRuns: 400 },
  );
});

test("a secret whose begin was let go leaves its mask, also where the rest of it could be the begin of a longer one", () => {
  const pieces = ["s", "hort-secret"].map((part) => Buffer.from(part));
  expect(throughPieces(pieces, new Set([0]), ["short-secret", "short-secret-and-more"])).toBe("s***");
});

test("what holds no secret comes out as it is, also what is no UTF-8", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (pieces) => {
      const redactor = redactorOf(OTHERS);
      const out = pieces.map((piece) => redactor.push(Buffer.from(piece).toString("latin1"))).join("");
      expect(Buffer.from(out + redactor.letGo(), "latin1").equals(Buffer.concat(pieces))).toBe(true);
    }),
  );
});

const TOKENS = [
  `AGE-SECRET-KEY-1${"QZ9".repeat(19)}`,
  `dop_v1_${"0a9f".repeat(16)}`,
  `ghp_${"aB3".repeat(12)}`,
  `github_pat_${"aB3_".repeat(12)}`,
];

test.each(TOKENS)("a token is known by its looks wherever it is cut: %s", (token) => {
  for (let cut = 1; cut < token.length; cut += 1)
    for (const pauses of [[], [0]]) {
      const out = throughPieces(piecesOf(`a ${token}\nb`, [cut + 2]), new Set(pauses));
      expect(out).not.toContain(token);
      expect([out.startsWith("a "), out.endsWith("***\nb")]).toEqual([true, true]);
      if (pauses.length === 0) expect(out).toBe("a ***\nb");
    }
  const bytes = [...`a ${token}\nb`].map((sign) => Buffer.from(sign));
  expect(throughPieces(bytes)).toBe("a ***\nb");
});

test.each(["Authorization: Bearer ", '"authorization": ["Basic ', 'Authorization=\\"token '])(
  "what authorizes is known wherever it is cut: %s",
  (lead) => {
    const text = `x ${lead}abc.def-ghi_jkl`;
    for (let cut = 1; cut < text.length; cut += 1)
      expect(throughPieces(piecesOf(`${text}\ny`, [cut]))).toBe(`x ${lead}***\ny`);
  },
);

describe("a private key in PEM over many writes", () => {
  const lines = Array.from({ length: 24 }, (_, index) => Buffer.alloc(48, `k${index}y-`).toString("base64"));
  const key = ["-----BEGIN PRIVATE KEY-----", ...lines, "TGFzdExpbmU=", "-----END PRIVATE KEY-----"];
  const leaks = (out: string): string[] =>
    [...lines, "TGFzdExpbmU="].filter((line) => out.includes(line.slice(0, 12)));

  test.each([
    ["as it is", "\n", ""],
    ["behind a margin", "\n  | ", ""],
    ["of Windows", "\r\n", ""],
    ["as JSON", "\\n", '"'],
  ])("%s is masked line by line, byte by byte and at any cut", (_, separator, end) => {
    const text = `before ${key.join(separator)}${end}\nafter it\n`;
    expect(throughPieces(piecesOf(text, []))).toBe(`before ***${end}\nafter it\n`);
    expect(throughPieces([...text].map((sign) => Buffer.from(sign)))).toBe(`before ***${end}\nafter it\n`);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), fc.uniqueArray(fc.nat(20)), (cuts, pauses) => {
        const out = throughPieces(piecesOf(text, cuts), new Set(pauses));
        expect(leaks(out)).toEqual([]);
        expect([out.startsWith("before "), out.endsWith(`${end}\nafter it\n`)]).toEqual([true, true]);
      }),
    );
  });

  test("never holds back more than a line of it", () => {
    const redactor = redactorOf(OTHERS);
    const held = key.map((line) => {
      redactor.push(`${line}\n`);
      return redactor.letGo();
    });
    expect(held.slice(1).join("")).toBe("");
    expect(redactor.push("after it\n")).toBe("after it\n");
  });

  test("that is only mentioned swallows nothing of what is said later", () => {
    const text =
      "the file has to begin with -----BEGIN PRIVATE KEY-----\nThe deploy goes on.\nDone, all of it\n";
    const expected = text.replace(key[0] as string, "***").replace("***\n", "***");
    expect(redact(text)).toBe(expected);
    expect(throughPieces(text.split(/(?<=\n)/).map((line) => Buffer.from(line)))).toBe(expected);
  });

  test("that is cut off is masked as far as it goes", () => {
    expect(redact(`${key[0]}\n${lines[0]}\nMIIEvQIBADANBgkqhkiG9w0B… and more`)).toBe("***… and more");
  });
});

test("secrets that overlap are concealed together", () => {
  concealValues(["overlapping-one", "one-behind-it"]);
  expect(redact("x overlapping-one-behind-it y")).toBe("x *** y");
});

describe("secrets that adjoin, or begin in one another", () => {
  const base64 = Buffer.alloc(300, "k1y-").toString("base64");
  const lines = base64.match(/.{64}/g) as string[];
  const [begin, end] = ["-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"];
  const KEYS = ["\n", "\r\n", "\\n"].map((separator) => [begin, ...lines, "TGFzdA==", end].join(separator));
  const PARTS = [
    ...["authorization=token ", "Authorization: Bearer  ", '"authorization":["Basic ', "authorization"],
    ...[...TOKENS, ...OTHERS, "abc.def", "token abc dzzz", "dop_v1_", "AGE-SECRET-KEY-1"],
    ...[...KEYS, [begin, base64, end].join("\n"), `${begin}${base64}${end}`],
    ...[" ", "\n", ";key=", '"', "'", "-", "-----", ",", "\\", "d", "a", "x"],
  ];
  /** One that begins in what another one is known by, and one that begins in the end of a key. */
  const VALUES = [...OTHERS, "token abc def", "KEY-----dop_v1_"];
  const bytesOf = (text: string): string => Buffer.from(text).toString("latin1");
  const inOnePush = (text: string): string => {
    const redactor = redactorOf(VALUES);
    return redactor.push(bytesOf(text)) + redactor.letGo();
  };

  test("come out of pieces as they do out of the whole text, wherever it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(2_000), { maxLength: 30 }),
        (parts, cuts) => {
          const text = parts.join("");
          const whole = inOnePush(text);
          const places = cuts.map((cut) => cut % (text.length + 1));
          expect(throughPieces(piecesOf(text, places), new Set(), VALUES)).toBe(whole);
          expect(
            throughPieces(
              [...text].map((sign) => Buffer.from(sign)),
              new Set(),
              VALUES,
            ),
          ).toBe(whole);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("are concealed each, also where all was let go between two pieces", () => {
    const secrets = [...TOKENS, ...KEYS];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...PARTS, ...secrets), { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(2_000), { maxLength: 12 }),
        fc.uniqueArray(fc.nat(12)),
        (parts, cuts, pauses) => {
          const text = parts.join("");
          const places = cuts.map((cut) => cut % (text.length + 1));
          const out = throughPieces(piecesOf(text, places), new Set(pauses), VALUES);
          expect([...TOKENS, lines[0] as string].filter((secret) => out.includes(secret))).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });

  const [age = "", digitalocean = "", github = ""] = TOKENS;
  const [key = ""] = KEYS;
  test.each([
    ["a key in a token", "authorization=token abcdefgh;key=", key, "authorization=token ***"],
    ["a key behind a token", 'authorization=token abc;key="', key, 'authorization=token ***"***'],
    ["all kinds in one", "Authorization: Bearer abc", `${digitalocean}${key}`, "Authorization: Bearer ***"],
    ["two keys of age", age, age, "***"],
    ["two of DigitalOcean", digitalocean, digitalocean, "***"],
    ["two of GitHub", github, github, "***"],
    [
      "two that authorize",
      "authorization=token abc",
      "authorization=token def",
      "authorization=token *** ***",
    ],
    ["what could be a value", "authorization: token abc d", "xyz", "authorization: token *** dxyz"],
  ])("%s, in two pieces and in one", (_, first, second, expected) => {
    const pieces = [first, second].map((part) => Buffer.from(part));
    expect([throughPieces(pieces, new Set(), VALUES), inOnePush(first + second)]).toEqual([
      expected,
      expected,
    ]);
  });
});
