import { deviations } from "../../sandbox/protocol/plan";
import { canonical, shape } from "../../sandbox/protocol/schema";
import { decodeValue, encodeValue, Unknown } from "../../sandbox/protocol/values";
import { isPrivate, overlap, parseCidr } from "../../sandbox/providers/digitalocean/cidr";
import { kubeConfig, tokenIsValid } from "../../sandbox/providers/digitalocean/credentials";
import { compareVersions } from "../../sandbox/providers/digitalocean/versions";

describe("versions", () => {
  test.each([
    ["1.34.1-do.2", "1.33.6-do.2", 1],
    ["1.34.1-do.2", "1.34.1-do.10", -1],
    ["1.34", "1.34.1-do.0", -1],
    ["1.34.1", "1.34.1-do.0", 1],
    ["1.34.0-do.0", "1.34.0-do.0", 0],
  ])("%s compared with %s", (one, other, sign) => {
    expect(Math.sign(compareVersions(one, other) ?? Number.NaN)).toBe(sign);
    expect(Math.sign(compareVersions(other, one) ?? Number.NaN)).toBe(sign === 0 ? 0 : -sign);
  });

  test("what is no version compares with nothing", () => {
    expect(compareVersions("latest", "1.34.1-do.2")).toBeUndefined();
  });
});

describe("ranges", () => {
  const range = (text: string) => parseCidr(text) ?? { first: -1, last: -1, prefix: -1 };

  test("overlap when they share an address", () => {
    expect(overlap(range("10.0.0.0/16"), range("10.0.255.0/24"))).toBe(true);
    expect(overlap(range("10.0.0.0/24"), range("10.0.1.0/24"))).toBe(false);
  });

  test("are private by RFC 1918 and read strictly", () => {
    expect(
      ["10.1.0.0/20", "172.31.0.0/16", "192.168.9.0/24"].map((text) => isPrivate(range(text))),
    ).toStrictEqual([true, true, true]);
    expect(["172.32.0.0/16", "8.8.8.0/24"].map((text) => isPrivate(range(text)))).toStrictEqual([
      false,
      false,
    ]);
    expect(["10.0.0.0", "10.0.0.256/8", "10.0.0.0/33", "x"].map(parseCidr)).toStrictEqual(
      Array(4).fill(undefined),
    );
  });
});

describe("tokens of a cluster", () => {
  const config = kubeConfig("an-id", { name: "a", region: "nyc3", credentials_key: "key" }, 60);
  const token = String(config.token);

  test("are good for their cluster until they expire", () => {
    expect(tokenIsValid("key", token)).toBe(true);
    expect(tokenIsValid("other", token)).toBe(false);
    expect(tokenIsValid("key", token, new Date(Date.now() + 61_000))).toBe(false);
    expect(
      tokenIsValid(
        "key",
        token.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
      ),
    ).toBe(false);
  });
});

describe("protocol values", () => {
  test("come back as they went, unknown ones with their refinements", () => {
    const refined = new Unknown(12, new Uint8Array([1, 2, 3]));
    const value = { a: null, b: [1, "x", true], c: new Unknown(), d: { e: refined } };
    expect(decodeValue(encodeValue(value))).toStrictEqual(value);
  });

  const BLOCK = {
    attributes: {
      name: { type: "string" },
      tags: { type: ["set", "string"] },
      id: { type: "string", computed: true },
    },
    block_types: { rule: { nesting_mode: "set", block: { attributes: { port: { type: "number" } } } } },
  } as const satisfies Parameters<typeof shape>[0];

  test("get the exact form of their schema", () => {
    expect(shape(BLOCK, { name: "x", other: 1 })).toStrictEqual({
      name: "x",
      tags: null,
      id: null,
      rule: [],
    });
    expect(() => shape(BLOCK, { rule: [{ port: "80" }] })).toThrow(
      'rule[0].port: expected a number, found string "80"',
    );
  });

  test("are equal whatever the order of their sets", () => {
    const one = shape(BLOCK, { tags: ["a", "b"], rule: [{ port: 1 }, { port: 2 }] });
    const other = shape(BLOCK, { tags: ["b", "a"], rule: [{ port: 2 }, { port: 1 }] });
    expect(canonical(BLOCK, one)).toBe(canonical(BLOCK, other));
    expect(canonical(BLOCK, one)).not.toBe(canonical(BLOCK, shape(BLOCK, { tags: ["a"] })));
  });

  test("that don't keep to their plan are named", () => {
    const planned = shape(BLOCK, { name: "x", id: new Unknown(), rule: [{ port: 1 }] });
    expect(deviations(BLOCK, planned, { ...planned, id: "1" }, new Set())).toStrictEqual([]);
    expect(deviations(BLOCK, planned, { ...planned, name: "y", rule: [] }, new Set())).toStrictEqual([
      "name differs from the plan",
      "id is unknown after apply",
      "rule has 0 blocks, 1 planned",
    ]);
    expect(deviations(BLOCK, planned, { ...planned, name: "y", id: "1" }, new Set(["name"]))).toStrictEqual(
      [],
    );
  });
});
