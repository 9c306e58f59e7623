import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { toolPath } from "../../src/flux-tree";
import { REPOSITORY } from "../support/example";
import { type ChartRepository, startChartRepository } from "./support/chart-repository";
import { type GitServer, startGitServer } from "./support/git-server";
import { LiveCluster } from "./support/live-cluster";
import { LiveProject } from "./support/live-project";
import { definitionFiles, stubCharts } from "./support/stub-charts";

const BINARIES = process.env.E2E_BINARIES ?? "/tmp/e2e/bin";
const directory = mkdtempSync(path.join(tmpdir(), "e2e-"));
let git: GitServer;
let charts: ChartRepository;
let cluster: LiveCluster;
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
  cluster = await LiveCluster.start({
    name: "my-startup-staging",
    environment: "staging",
    directory: path.join(directory, "staging"),
    binaries: BINARIES,
    definitions,
  });
  project = new LiveProject(path.join(directory, "project"), git, charts.url);
  project.connect([cluster]);
});

afterAll(async () => {
  await cluster?.stop();
  await charts?.close();
  await git?.close();
  project?.remove();
  if (!process.env.E2E_KEEP) rmSync(directory, { recursive: true, force: true });
});

test("the tree of staging becomes ready", async () => {
  project.createSecrets("staging");
  project.deploy("--environment", "staging");
  const configMap = await cluster.api.get("ConfigMap", "flux-system", "infrastructure-vars");
  expect(configMap.data.infraConfig_cluster_name).toBe("my-startup-staging");
  project.publish("Configure this project");
  cluster.follow(git.url);
  await cluster.untilReady(120);
});
