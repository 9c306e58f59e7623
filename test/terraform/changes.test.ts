import { toResourceChanges } from "../../src/terraform/changes";

const resource = (actions: string[], change: object, more: object = {}) => ({
  address: "digitalocean_kubernetes_node_pool.workload",
  mode: "managed" as const,
  type: "digitalocean_kubernetes_node_pool",
  name: "workload",
  change: {
    actions,
    before: null,
    after: null,
    after_unknown: {},
    before_sensitive: false,
    after_sensitive: false,
    ...change,
  },
  ...more,
});
const plan = (...changes: object[]) => ({ resource_changes: changes as any });

test("what stays and what is only read is no change", () => {
  expect(toResourceChanges(plan(resource(["no-op"], {}), resource(["read"], {}, { mode: "data" })))).toEqual(
    [],
  );
});

test("a replacement says what forces it and which of the two comes first", () => {
  const [change] = toResourceChanges(
    plan(
      resource(["create", "delete"], {
        before: { id: "1", name: "workload-a", size: "a", tags: ["x"] },
        after: { name: "workload-b", size: "b", tags: ["x"] },
        after_unknown: { id: true },
        replace_paths: [["size"]],
      }),
    ),
  );
  expect(change).toMatchObject({ action: "replace", createFirst: true, label: "workload-b" });
  expect(change?.attributes).toEqual([
    { path: "id", before: "1", after: undefined, unknown: true, sensitive: false, forcesReplacement: false },
    {
      path: "name",
      before: "workload-a",
      after: "workload-b",
      unknown: false,
      sensitive: false,
      forcesReplacement: false,
    },
    { path: "size", before: "a", after: "b", unknown: false, sensitive: false, forcesReplacement: true },
  ]);
});

test("attributes are found at any depth, keys with dots are quoted", () => {
  const [change] = toResourceChanges(
    plan(
      resource(["update"], {
        before: { data: { "values.yaml": "a", same: "s" }, list: [{ n: 1 }] },
        after: { data: { "values.yaml": "b", same: "s" }, list: [{ n: 2 }] },
      }),
    ),
  );
  expect(change?.attributes.map(({ path }) => path)).toEqual(['data["values.yaml"]', "list[0].n"]);
});

test("what was or becomes sensitive is marked", () => {
  const [change] = toResourceChanges(
    plan(
      resource(["update"], {
        before: { a: "1", b: "1" },
        after: { a: "2", b: "2" },
        before_sensitive: { a: true },
        after_sensitive: { b: true },
      }),
    ),
  );
  expect(change?.attributes.map(({ path, sensitive }) => [path, sensitive])).toEqual([
    ["a", true],
    ["b", true],
  ]);
});

test.each([
  [["create"], "create", false],
  [["delete"], "destroy", false],
  [["delete", "create"], "replace", false],
  [["forget"], "forget", false],
])("%j is %s", (actions, action, createFirst) => {
  expect(toResourceChanges(plan(resource(actions, {})))).toMatchObject([{ action, createFirst }]);
});

test("a replacement of something that was never made to the end is marked", () => {
  const found = (reason: string) =>
    toResourceChanges(plan(resource(["delete", "create"], {}, { action_reason: reason })))[0]?.tainted;
  expect([found("replace_because_tainted"), found("replace_because_cannot_update")]).toEqual([
    true,
    undefined,
  ]);
});

test("what a provider fills in where nothing is configured is no change, and everything else is", () => {
  const before = {
    max_nodes: 0,
    min_nodes: 0,
    tags: [],
    name: "",
    auto_scale: false,
    node_count: 3,
    size: "a",
  };
  const after = {
    max_nodes: null,
    tags: null,
    name: null,
    auto_scale: null,
    min_nodes: 2,
    node_count: null,
    size: "",
  };
  const paths = (more: object, type?: string) =>
    toResourceChanges(
      plan(resource(["update"], { before, after, ...more }, type ? { type } : {})),
    )[0]?.attributes.map(({ path }) => path);
  expect(paths({})).toEqual(["min_nodes", "node_count", "size"]);
  // What forces a replacement is told whatever it is.
  expect(paths({ replace_paths: [["tags"]] })).toContain("tags");
  // An empty value of a ConfigMap is a value.
  expect(paths({ before: { data: { a: "" } }, after: { data: {} } }, "kubernetes_config_map_v1")).toEqual([
    "data.a",
  ]);
  expect(paths({ before: { a: { b: 1 } }, after: { a: null } })).toEqual(["a"]);
});
