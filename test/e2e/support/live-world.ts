import path from "node:path";
import { toolPath } from "../../../src/flux-tree";
import { REPOSITORY } from "../../support/example";
import { type ChartRepository, startChartRepository } from "./chart-repository";
import { type GitServer, startGitServer } from "./git-server";
import { LiveCluster } from "./live-cluster";
import { LiveProject } from "./live-project";
import { runDirectory } from "./run-directory";
import { fluxDefinitions, stubCharts } from "./stub-charts";

export interface LiveWorldOptions {
  /** Name of the folder with its files and logs. */
  readonly name: string;
  /** The environments that get a cluster. */
  readonly environments: readonly string[];
  /** Changes the configuration of the project, which is the example's. */
  readonly configure?: (document: Record<string, any>) => void;
}

/** A project in the sandbox, a real cluster with Flux per environment, and the Git and chart servers that Flux reads. */
export class LiveWorld {
  private constructor(
    readonly directory: string,
    readonly git: GitServer,
    readonly charts: ChartRepository,
    readonly project: LiveProject,
    private readonly clusters: Map<string, LiveCluster>,
  ) {}

  /** Starts everything; {@link deployAndPublish} gives Flux something to do. */
  static async start({ name, environments, configure }: LiveWorldOptions): Promise<LiveWorld> {
    const directory = runDirectory(name);
    const git = await startGitServer(directory, "my-repository");
    const helm = toolPath("helm");
    const charts = await startChartRepository(
      helm,
      path.join(directory, "charts"),
      await stubCharts(REPOSITORY),
    );
    const definitions = await fluxDefinitions();
    const project = new LiveProject(path.join(directory, "project"), git, charts.url, configure);
    const clusters = new Map<string, LiveCluster>();
    const world = new LiveWorld(directory, git, charts, project, clusters);
    const starts = await Promise.allSettled(
      environments.map(async (environment) => {
        const folder = path.join(directory, environment);
        const options = { name: `my-startup-${environment}`, environment, directory: folder, definitions };
        clusters.set(environment, await LiveCluster.start(options));
      }),
    );
    const failed = starts.find((start) => start.status === "rejected");
    if (failed) {
      await world.stop();
      throw failed.reason;
    }
    project.connect([...clusters.values()]);
    return world;
  }

  /** The cluster of an environment. */
  cluster(environment: string): LiveCluster {
    const found = this.clusters.get(environment);
    if (!found) throw new Error(`${environment} has no cluster in this test`);
    return found;
  }

  /**
   * What a user does first: secrets, deploy, commit and push, bootstrap. Ends when all of Flux is ready.
   * @param patience in seconds, for Flux
   */
  async deployAndPublish(patience: number): Promise<void> {
    const environments = [...this.clusters.keys()];
    for (const environment of environments) this.project.createSecrets(environment);
    this.project.deploy(...environments.flatMap((environment) => ["--environment", environment]));
    this.project.publish("Configure this project");
    for (const cluster of this.clusters.values()) cluster.follow(this.git.url);
    await Promise.all([...this.clusters.values()].map((cluster) => cluster.untilReady(patience)));
  }

  /** Pushes the project's tree as it is now, and tells Flux. */
  async push(message: string): Promise<void> {
    this.project.publish(message);
    await Promise.all([...this.clusters.values()].map((cluster) => cluster.notify()));
  }

  /** Ends every process of it. */
  async stop(): Promise<void> {
    for (const cluster of this.clusters.values()) await cluster.stop();
    await this.charts.close();
    await this.git.close();
    this.project.remove();
  }
}
