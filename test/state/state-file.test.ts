import fc from "fast-check";
import { describeFile, parseState } from "../../src/state";
import { LINEAGE, stateText } from "./states";

test("a state of Terraform is read with its serial, lineage and addresses", () => {
  const state = parseState(Buffer.from(stateText({ serial: 12 })));
  expect(state).toMatchObject({
    kind: "state",
    serial: 12,
    lineage: LINEAGE,
    resources: ["digitalocean_project.project", "digitalocean_vpc.vpc"],
  });
  expect(describeFile(state)).toBe("2 resources, serial 12");
});

test("instances, modules and deposed objects have addresses of their own, data sources have none", () => {
  const document = JSON.parse(stateText({ resources: [] }));
  document.resources = [
    { mode: "data", type: "a_b", name: "read", instances: [{}] },
    { mode: "managed", type: "a_b", name: "gone", instances: [] },
    {
      mode: "managed",
      module: "module.m",
      type: "a_b",
      name: "many",
      instances: [{ index_key: "k" }, { index_key: 0 }, { index_key: 0, deposed: "12ab" }],
    },
  ];
  expect(parseState(Buffer.from(JSON.stringify(document)))).toMatchObject({
    resources: ['module.m.a_b.many["k"]', "module.m.a_b.many[0]", "module.m.a_b.many[0] (deposed 12ab)"],
  });
});

test.each<[string, Buffer | undefined, object]>([
  ["no file", undefined, { kind: "absent" }],
  ["no content", Buffer.from(" \n"), { kind: "empty" }],
  [
    "zeros, as after a power cut",
    Buffer.alloc(40),
    { kind: "damaged", problem: "40 bytes of zeros, as after a power cut" },
  ],
  ["a list", Buffer.from("[]"), { kind: "damaged", problem: "JSON, but no object" }],
  [
    "another format",
    Buffer.from('{"version": 5}'),
    { kind: "damaged", problem: "of format version 5, and Terraform 1 writes version 4" },
  ],
  ["no serial", Buffer.from('{"version": 4}'), { kind: "damaged", problem: "without a serial" }],
  [
    "no lineage",
    Buffer.from('{"version": 4, "serial": 1}'),
    { kind: "damaged", problem: "without a lineage" },
  ],
  [
    "resources that are none",
    Buffer.from('{"version": 4, "serial": 1, "lineage": "l", "resources": [null]}'),
    { kind: "damaged", problem: "with a resource that has no type or no instances" },
  ],
])("%s is told as that", (_, content, expected) => {
  expect(parseState(content)).toEqual(expected);
});

test("a state that is cut off anywhere is damaged, and its beginning is still known; nothing of its content is told", () => {
  const text = stateText({ serial: 41 });
  const known = text.indexOf('"outputs"');
  fc.assert(
    fc.property(fc.integer({ min: 1, max: text.trimEnd().length - 1 }), (length) => {
      const state = parseState(Buffer.from(text.slice(0, length)));
      expect(state).toMatchObject({ kind: "damaged", problem: "no valid JSON: it is cut off" });
      if (length >= known) expect(state).toMatchObject({ serial: 41, lineage: LINEAGE });
    }),
  );
  const broken = parseState(Buffer.from(text.replace('"secret-of-a-cluster"', '"secret-of-a-cluster" oops')));
  expect(broken).toMatchObject({
    kind: "damaged",
    problem: expect.stringMatching(/an unexpected character at position \d+/),
  });
  expect(JSON.stringify(broken)).not.toContain("secret");
});
