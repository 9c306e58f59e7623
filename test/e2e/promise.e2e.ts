import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { toolPath } from "../../src/flux-tree";
import { REPOSITORY } from "../support/example";
import { type ChartRepository, startChartRepository } from "./support/chart-repository";
import { type GitServer, startGitServer } from "./support/git-server";
import { LiveCluster, until } from "./support/live-cluster";
import { LiveProject } from "./support/live-project";
import { definitionFiles, stubCharts } from "./support/stub-charts";

const directory = mkdtempSync(path.join(tmpdir(), "e2e-"));
const ENVIRONMENTS = ["staging", "production"] as const;
type Environment = (typeof ENVIRONMENTS)[number];

let git: GitServer;
let charts: ChartRepository;
const clusters: Partial<Record<Environment, LiveCluster>> = {};
let project: LiveProject;

beforeAll(async () => {
  git = await startGitServer(directory, "my-repository");
  charts = await startChartRepository(
    toolPath("helm"),
    path.join(directory, "charts"),
    await stubCharts(REPOSITORY),
  );
  const definitions = (
    await Promise.all(
      ["source", "kustomize", "helm", "notification"].map((name) =>
        definitionFiles(`github.com/fluxcd/${name}-controller`),
      ),
    )
  ).flat();
  for (const environment of ENVIRONMENTS) {
    clusters[environment] = await LiveCluster.start({
      name: `my-startup-${environment}`,
      environment,
      directory: path.join(directory, environment),
      definitions,
    });
  }
  project = new LiveProject(path.join(directory, "project"), git, charts.url, (document) => {
    // Applications whose own sizes are stated go on a profile, one of them in this environment only.
    document.applications.chatbox = { profile: "medium" };
    document.applications.fade = { profile: "small" };
    document.environments[0].applications = { nextcloud: { profile: "small" } };
  });
  project.connect(Object.values(clusters));
});

afterAll(async () => {
  for (const cluster of Object.values(clusters)) await cluster.stop();
  await charts?.close();
  await git?.close();
  project?.remove();
  if (!process.env.E2E_KEEP) rmSync(directory, { recursive: true, force: true });
});

function cluster(environment: Environment): LiveCluster {
  const found = clusters[environment];
  if (!found) throw new Error(`the cluster of ${environment} was not started`);
  return found;
}

test("deploy writes both ConfigMaps into each cluster, and after a push every part of the tree becomes ready", async () => {
  for (const environment of ENVIRONMENTS) project.createSecrets(environment);
  project.deploy();
  for (const environment of ENVIRONMENTS) {
    const { data } = await cluster(environment).api.get("ConfigMap", "flux-system", "infrastructure-vars");
    expect(data.infraConfig_cluster_name).toBe(`my-startup-${environment}`);
    const { data: document } = await cluster(environment).api.get(
      "ConfigMap",
      "flux-system",
      "infrastructure-config",
    );
    expect(document["values.yaml"]).toContain(`name: my-startup-${environment}`);
  }
  project.publish("Configure this project");
  for (const environment of ENVIRONMENTS) cluster(environment).follow(git.url);
  await Promise.all(ENVIRONMENTS.map((environment) => cluster(environment).untilReady(180)));
});

/** Who follows the node size, with the size that its profile has on s-2vcpu-4gb and on s-4vcpu-8gb. */
const FOLLOWERS = [
  {
    what: "a Kustomize application",
    kind: "Deployment",
    place: ["chatbox", "chatbox"],
    before: ["500m", "512Mi"],
    after: ["1", "1Gi"],
  },
  {
    what: "our own chart",
    kind: "StatefulSet",
    place: ["fade", "repram-node"],
    before: ["250m", "256Mi"],
    after: ["500m", "512Mi"],
  },
  {
    what: "a chart of others",
    kind: "Deployment",
    place: ["mattermost", "mattermost"],
    before: ["500m", "512Mi"],
    after: ["1", "1Gi"],
  },
  {
    what: "an override of this environment",
    kind: "Deployment",
    place: ["nextcloud", "nextcloud"],
    before: ["250m", "256Mi"],
    after: ["500m", "512Mi"],
  },
] as const;

async function requestsOf({ kind, place: [namespace, name] }: (typeof FOLLOWERS)[number]): Promise<string[]> {
  const { spec } = await cluster("staging").api.get(kind, namespace, name);
  const { cpu, memory } = spec.template.spec.containers[0].resources.requests;
  return [cpu, memory];
}

test("a larger node size reaches every application without a commit", async () => {
  for (const follower of FOLLOWERS)
    expect([follower.what, await requestsOf(follower)]).toEqual([follower.what, follower.before]);
  project.project.configure((document) => {
    document.environments[0].cluster.nodeSize = "s-4vcpu-8gb";
  });
  project.deploy("--environment", "staging");
  const end = Date.now();
  const seconds = await Promise.all(
    FOLLOWERS.map(async (follower) => {
      await until(30, async () => {
        const requests = await requestsOf(follower);
        return requests.join() === follower.after.join()
          ? undefined
          : `${follower.what} still asks for ${requests.join()}`;
      });
      return [follower.what, (Date.now() - end) / 1000] as const;
    }),
  );
  process.stdout.write(
    `${seconds.map(([what, time]) => `${what}: ${time.toFixed(2)} s after the deploy`).join("\n")}\n`,
  );
  await cluster("staging").untilReady(60);
});
