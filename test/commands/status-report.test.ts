import {
  type ClusterStatus,
  concerns,
  type InstalledFlux,
  projectConcerns,
  type SecretsStatus,
} from "../../src/commands/status-report";

const deployed = {
  state: "deployed",
  resources: 1,
  missing: [],
  surplus: [],
  tainted: [],
  name: "staging-cluster",
} as const;
const secrets = { needed: 2, missing: [] };
const reachable = (flux: InstalledFlux): ClusterStatus => ({
  state: "reachable",
  id: "c-1",
  configMaps: [{ name: "infrastructure-vars", state: "in step", values: 1, differences: [], watched: true }],
  flux,
});

test.each<readonly [string, ClusterStatus, readonly string[]]>([
  ["a sandbox, which does without Flux", reachable({ installed: false, expected: false }), []],
  ["a real cluster without Flux", reachable({ installed: false, expected: true }), ["Flux not installed"]],
  [
    "a Flux that follows nothing",
    reachable({ installed: true, sources: [], kustomizations: [], helmReleases: [] }),
    ["no Kustomizations"],
  ],
  ["a cluster that is gone", { state: "gone", id: "c-1" }, ["cluster gone"]],
  [
    "a cluster that doesn't answer",
    { state: "unreachable", id: "c-1", problem: "x" },
    ["cluster not reachable"],
  ],
  ["a cluster without an id", { state: "unknown", problem: "x" }, ["cluster unknown"]],
])("%s", (_, cluster, expected) => {
  expect(concerns({ name: "staging", stacks: [deployed], secrets, cluster })).toEqual(expected);
});

test("secrets that Flux can't open concern their environment", () => {
  const cluster = reachable({ installed: false, expected: false });
  const decryption = { message: "x", fix: "y" };
  expect(concerns({ name: "staging", stacks: [deployed], secrets, cluster, decryption })).toEqual([
    "the key that Flux decrypts with",
  ]);
});

test("the project's own: names to be written, stacks that nothing looks after", () => {
  expect(projectConcerns({ pendingFiles: [], orphanedStacks: [] })).toEqual([]);
  expect(projectConcerns({ pendingFiles: ["flux/a.yaml"], orphanedStacks: ["old-cluster"] })).toEqual([
    "names in the Flux tree out of step",
    "old-cluster deployed and not configured",
  ]);
});

test("secrets that are not created, or can't be counted, are a concern", () => {
  const cluster = reachable({ installed: false, expected: false });
  const told = (own: SecretsStatus) =>
    concerns({ name: "staging", stacks: [deployed], secrets: own, cluster });
  expect(told({ needed: 27, missing: ["a/b", "a/c"] })).toEqual(["2 secrets not created"]);
  expect(told({ needed: 27, missing: ["a/b"] })).toEqual(["1 secret not created"]);
  expect(told({ problem: "a file is damaged" })).toEqual(["secrets not counted"]);
});
