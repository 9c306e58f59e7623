import { type ConfigMap, compareConfigMaps } from "../../src/cluster";
import { infrastructureVariables, valuesYaml, WATCH_LABEL } from "../../src/flux";
import { exampleProject } from "../support/example";

const [staging] = exampleProject().environments;
if (!staging) throw new Error("the example has no environment");
const larger = exampleProject((document) => {
  document.environments[0].cluster.nodeSize = "s-4vcpu-8gb";
}).environments[0] as typeof staging;

const configMap = (data: Record<string, string>, labels: Record<string, string> = { ...WATCH_LABEL }) =>
  ({ metadata: { name: "it", labels }, data }) as ConfigMap;
const found = (
  change: Partial<{ values: ConfigMap | undefined; variables: ConfigMap | undefined }> = {},
) => ({
  values: configMap({ "values.yaml": valuesYaml(staging) }),
  variables: configMap(infrastructureVariables(staging)),
  ...change,
});
const stateOf = (maps: ReturnType<typeof compareConfigMaps>) => maps.map(({ state }) => state);

test("what was deployed from this configuration is in step", () => {
  const maps = compareConfigMaps(staging, found());
  expect(maps.map(({ name, state, differences, watched }) => [name, state, differences, watched])).toEqual([
    ["infrastructure-config", "in step", [], true],
    ["infrastructure-vars", "in step", [], true],
  ]);
  expect(maps[1]?.values).toBe(Object.keys(infrastructureVariables(staging)).length);
});

test("a configuration that was changed and not deployed is told value by value, without the objects around them", () => {
  const [values, variables] = compareConfigMaps(larger, found());
  expect(values?.state).toBe("out of step");
  expect(values?.differences).toContainEqual({
    name: "cluster.nodeSize",
    cluster: "s-2vcpu-4gb",
    configuration: "s-4vcpu-8gb",
  });
  expect(variables?.differences).toContainEqual({
    name: "infraConfig_storage_bulk_size",
    cluster: "50Gi",
    configuration: "100Gi",
  });
  const names = variables?.differences.map(({ name }) => name) ?? [];
  expect(names).not.toContain("infraConfig_storage");
  expect(names).not.toContain("infraConfig_storage_bulk");
});

test("a value that was edited, removed or added by hand is a difference", () => {
  const { infraConfig_cluster_region: region, ...kept } = infrastructureVariables(staging);
  const variables = configMap({ ...kept, infraConfig_cluster_name: "other", "values.yaml": "x" });
  const [, map] = compareConfigMaps(staging, found({ variables }));
  expect(map?.differences).toEqual(
    expect.arrayContaining([
      { name: "infraConfig_cluster_name", cluster: "other", configuration: staging.cluster.name },
      { name: "infraConfig_cluster_region", configuration: region },
      { name: "values.yaml", cluster: "x" },
    ]),
  );
  expect(map?.differences).toHaveLength(3);
});

test("an object whose own JSON was edited is told when no value inside has a name of its own", () => {
  const variables = configMap({ ...infrastructureVariables(staging), infraConfig_storage: "{}" });
  expect(compareConfigMaps(staging, found({ variables }))[1]?.differences).toEqual([
    { name: "infraConfig_storage", cluster: "{}", configuration: expect.stringContaining('"bulk"') },
  ]);
});

test("a missing ConfigMap, and one without its key, are told apart", () => {
  expect(stateOf(compareConfigMaps(staging, found({ values: undefined, variables: undefined })))).toEqual([
    "missing",
    "missing",
  ]);
  const [values] = compareConfigMaps(staging, found({ values: configMap({}) }));
  expect([values?.state, values?.problem]).toEqual(["out of step", "it has no key values.yaml"]);
});

test("a document that is no YAML, or was rewritten with the same values, is out of step with its reason", () => {
  const broken = compareConfigMaps(staging, found({ values: configMap({ "values.yaml": "a: [" }) }))[0];
  expect([broken?.state, broken?.problem]).toEqual([
    "out of step",
    expect.stringMatching(/^its values\.yaml is not valid YAML: /),
  ]);
  const commented = `# by hand\n${valuesYaml(staging)}`;
  const same = compareConfigMaps(staging, found({ values: configMap({ "values.yaml": commented }) }))[0];
  expect([same?.state, same?.differences, same?.problem]).toEqual([
    "out of step",
    [],
    "its values.yaml has the right values, but was rewritten by hand",
  ]);
});

test("a number that became a text is a difference that can be seen", () => {
  const quoted = valuesYaml(staging).replace(/nodeCount: (\d+)/, 'nodeCount: "$1"');
  expect(
    compareConfigMaps(staging, found({ values: configMap({ "values.yaml": quoted }) }))[0]?.differences,
  ).toEqual([
    {
      name: "cluster.nodeCount",
      cluster: `"${staging.cluster.nodeCount}"`,
      configuration: String(staging.cluster.nodeCount),
    },
  ]);
});

test("without the watch label a ConfigMap with the right values is out of step", () => {
  const variables = configMap(infrastructureVariables(staging), {});
  const [, map] = compareConfigMaps(staging, found({ variables }));
  expect([map?.state, map?.watched, map?.differences]).toEqual(["out of step", false, []]);
});

test("keys beside the document are differences: the next deploy takes them away", () => {
  const values = {
    ...configMap({ "values.yaml": valuesYaml(staging), extra: "by hand" }),
    binaryData: { bytes: "AA==" },
  };
  const [map] = compareConfigMaps(staging, found({ values }));
  expect([map?.state, map?.differences]).toEqual([
    "out of step",
    [
      { name: "(key extra)", cluster: "by hand" },
      { name: "(key bytes)", cluster: "(bytes)" },
    ],
  ]);
});

test("an edit is told although somebody added a longer name beside it", () => {
  const variables = configMap({
    ...infrastructureVariables(staging),
    infraConfig_cluster_name: "other",
    infraConfig_cluster_name_x: "y",
  });
  const [, map] = compareConfigMaps(staging, found({ variables }));
  expect(map?.differences.map(({ name }) => name)).toEqual([
    "infraConfig_cluster_name",
    "infraConfig_cluster_name_x",
  ]);
});

test("a label of another value is not the one that Flux watches", () => {
  const labels = Object.fromEntries(Object.keys(WATCH_LABEL).map((name) => [name, "Disabled"]));
  const values = configMap({ "values.yaml": valuesYaml(staging) }, labels);
  expect(compareConfigMaps(staging, found({ values }))[0]).toMatchObject({
    state: "out of step",
    watched: false,
  });
});
