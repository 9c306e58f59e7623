import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toolPath } from "../../src/flux-tree/tools";
import { ageKeyFile, keepAgeKey, readAgeKey } from "../../src/secrets/age-key";
import { decodeBech32, encodeBech32 } from "../../src/secrets/bech32";
import { describeWithTools } from "../flux-tree/schema-tools";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "age-key-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a key is made once, for its owner only, in age's form", () => {
  const key = keepAgeKey(folder, "staging");
  expect(key.identity).toMatch(/^AGE-SECRET-KEY-1[A-Z0-9]{58}$/);
  expect(key.recipient).toMatch(/^age1[a-z0-9]{58}$/);
  expect(statSync(ageKeyFile(folder, "staging")).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, ".secrets", "staging")).mode & 0o777).toBe(0o700);
  expect(keepAgeKey(folder, "staging")).toEqual(key);
  expect(keepAgeKey(folder, "production").identity).not.toBe(key.identity);
});

describeWithTools("age itself", { tools: ["age-keygen"] }, () => {
  test("reads a key that was made here, and derives the same public half", () => {
    const { recipient } = keepAgeKey(folder, "staging");
    const said = spawnSync(toolPath("age-keygen"), ["-y", ageKeyFile(folder, "staging")], {
      encoding: "utf8",
    });
    expect([said.status, said.stdout.trim()]).toEqual([0, recipient]);
  });

  test("makes a key that is read here, and its public half derived", () => {
    keepAgeKey(folder, "staging");
    const { stdout } = spawnSync(toolPath("age-keygen"), [], { encoding: "utf8" });
    writeFileSync(ageKeyFile(folder, "staging"), stdout);
    expect(readAgeKey(folder, "staging")?.recipient).toBe(/public key: (age1\S+)/.exec(stdout)?.[1]);
  });
});

test("no key is no error, a file without one is, and the message doesn't hold what is in it", () => {
  expect(readAgeKey(folder, "staging")).toBeUndefined();
  keepAgeKey(folder, "staging");
  const text = readFileSync(ageKeyFile(folder, "staging"), "utf8");
  // One letter is another: Bech32's checksum notices.
  const damaged = text.trimEnd().replace(/.$/, (last) => (last === "Q" ? "P" : "Q"));
  writeFileSync(ageKeyFile(folder, "staging"), damaged);
  expect(() => readAgeKey(folder, "staging")).toThrow(
    ".secrets/staging/age.agekey holds no age key (a line AGE-SECRET-KEY-1…): bring it back from a copy",
  );
});

describe("Bech32", () => {
  // Valid and invalid texts of BIP 173.
  test.each([
    ["a", "A12UEL5L", ""],
    ["abcdef", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "00443214c74254b635cf84653a56d7c675be77df"],
  ])("%s: %s", (prefix, text, hex) => {
    expect(decodeBech32(prefix, text)?.toString("hex")).toBe(hex);
    expect(encodeBech32(prefix, Buffer.from(hex, "hex"))).toBe(text.toLowerCase());
  });

  test.each([
    ["a wrong checksum", "a", "A12UEL5M"],
    ["both cases", "a", "A12uel5l"],
    ["another prefix", "b", "A12UEL5L"],
    ["a character of no meaning", "a", "A12UEL5B"],
    ["nothing but a prefix", "a", "a1"],
    ["the checksum of its successor, Bech32m,", "abcdef", "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx"],
  ])("%s is refused", (_, prefix, text) => {
    expect(decodeBech32(prefix, text)).toBeUndefined();
  });
});
