import { execFileSync } from "node:child_process";
import path from "node:path";
import { type Environment, parseProject } from "../../src/config";
import {
  FLUX_NAMESPACE,
  infrastructureVariables,
  VALUES_CONFIG_MAP,
  VALUES_KEY,
  VARIABLES_CONFIG_MAP,
  valuesYaml,
  WATCH_LABEL,
} from "../../src/flux";
import { EXAMPLE_TEXT } from "../support/example";
import { GENERATED_NAMESPACE, type TreeSize, writeGeneratedTree } from "./support/generated-tree";
import { commitAndPush, type GitServer, startGitServer } from "./support/git-server";
import { LiveCluster, until } from "./support/live-cluster";
import { measure, secondsSince } from "./support/measurements";
import { runDirectory } from "./support/run-directory";
import { fluxDefinitions } from "./support/stub-charts";

const ENVIRONMENT = "staging";
const SIZES: readonly TreeSize[] = [
  { kustomizations: 20, helmReleases: 5 },
  { kustomizations: 200, helmReleases: 50 },
];
/** For everything in the largest tree to be made, or to change, on two cores; in seconds. */
const PATIENCE = 400;
/** Node sizes whose profile `small` differs, and what it is as the API stores it. */
const NODES = [
  ["s-4vcpu-8gb", "500m"],
  ["s-8vcpu-16gb", "1"],
] as const;
const directory = runDirectory("scale");
const checkout = path.join(directory, "checkout");
let git: GitServer;
let cluster: LiveCluster;

beforeAll(async () => {
  git = await startGitServer(directory, "generated");
  execFileSync("git", ["clone", "--quiet", git.repository, checkout], { stdio: "pipe" });
  cluster = await LiveCluster.start({
    name: "scale",
    environment: ENVIRONMENT,
    directory: path.join(directory, "cluster"),
    definitions: await fluxDefinitions(),
  });
  const { api } = cluster;
  await api.call("POST", "api/v1/namespaces", { metadata: { name: FLUX_NAMESPACE } });
  for (const [name, data] of configMaps(environmentOn(NODES[0][0]))) {
    const metadata = { name, labels: WATCH_LABEL };
    await api.call("POST", `api/v1/namespaces/${FLUX_NAMESPACE}/configmaps`, { metadata, data });
  }
});

afterAll(async () => {
  await cluster?.stop();
  await git?.close();
});

/** The example's staging on another node size. */
function environmentOn(nodeSize: string): Environment {
  const document = JSON.parse(EXAMPLE_TEXT);
  for (const environment of document.environments) environment.cluster.nodeSize = nodeSize;
  const found = parseProject(JSON.stringify(document), "example").environments.find(
    ({ name }) => name === ENVIRONMENT,
  );
  if (!found) throw new Error(`the example has no ${ENVIRONMENT}`);
  return found;
}

/** Both ConfigMaps as the stack writes them. */
const configMaps = (environment: Environment): ReadonlyArray<readonly [name: string, data: object]> => [
  [VALUES_CONFIG_MAP, { [VALUES_KEY]: valuesYaml(environment) }],
  [VARIABLES_CONFIG_MAP, infrastructureVariables(environment)],
];

/** Workloads with a CPU request, by name. */
async function sized(cpu: string): Promise<string[]> {
  const deployments = await cluster.api.list("Deployment", GENERATED_NAMESPACE);
  return deployments
    .filter(({ spec }) => spec.template.spec.containers[0].resources.requests.cpu === cpu)
    .map(({ metadata }) => metadata.name);
}

/** Writes both ConfigMaps for a node size. @returns seconds until each workload had its new size, in order */
async function change(
  node: (typeof NODES)[number],
  { kustomizations, helmReleases }: TreeSize,
): Promise<number[]> {
  const [nodeSize, cpu] = node;
  const begin = performance.now();
  for (const [name, data] of configMaps(environmentOn(nodeSize)))
    await cluster.api.patch("ConfigMap", FLUX_NAMESPACE, name, { data });
  const seen = new Map<string, number>();
  const expected = kustomizations + helmReleases;
  await until(
    PATIENCE,
    async () => {
      for (const name of await sized(cpu)) if (!seen.has(name)) seen.set(name, secondsSince(begin));
      return seen.size === expected ? undefined : `${seen.size} of ${expected} workloads have changed`;
    },
    200,
  );
  return [...seen.values()];
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

let current = 0;

test.each(SIZES)(
  "every workload of $kustomizations Kustomizations and $helmReleases HelmReleases follows",
  async (size) => {
    writeGeneratedTree(checkout, ENVIRONMENT, size);
    commitAndPush(checkout, git, "Generated");
    if (size === SIZES[0]) cluster.follow(git.url);
    else await cluster.notify();
    const expected = size.kustomizations + size.helmReleases;
    await until(
      PATIENCE,
      async () => {
        const count = (await cluster.api.list("Deployment", GENERATED_NAMESPACE)).length;
        return count === expected ? undefined : `${count} of ${expected} workloads are there`;
      },
      500,
    );
    await cluster.untilReady(PATIENCE);
    current = 1 - current;
    const node = NODES[current];
    if (!node) throw new Error("there are two node sizes");
    const times = await change(node, size);
    const what = `${size.kustomizations} Kustomizations, ${size.helmReleases} HelmReleases`;
    measure("scale", `${what}: first workload`, times[0] ?? Number.NaN);
    measure("scale", `${what}: half of the workloads`, median(times));
    measure("scale", `${what}: last workload`, times.at(-1) ?? Number.NaN);
  },
  3 * PATIENCE * 1000,
);
