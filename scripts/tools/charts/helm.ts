import { mkdir } from "node:fs/promises";
import path from "node:path";
import { runTool } from "../../../src/flux-tree/tools";

/** Thrown when a repository of charts can't be reached, so that nothing can be said about them. */
export class ChartsUnreachable extends Error {
  constructor(repository: string, reason: string) {
    super(`third-party charts can't be downloaded: ${repository}: ${reason}`);
    this.name = "ChartsUnreachable";
  }
}

/** A chart as a HelmRelease and its HelmRepository name it. */
export interface ChartReference {
  readonly repository: string;
  readonly chart: string;
  readonly version: string;
}

/** What Helm says when it got an answer from the repository, and the answer does not have the chart. */
const NOT_IN_REPOSITORY = /not found in .* repository|no chart (?:version|name) found|: not found$/m;

/** Helm in a folder of its own, so that repositories and plugins of the user have no say. */
export class Helm {
  private readonly pulled = new Map<string, Promise<string>>();

  constructor(private readonly folder: string) {}

  /**
   * The file of a chart, downloaded once.
   * @throws ChartsUnreachable, MissingTool, or Error when the repository does not have that version
   */
  pull(reference: ChartReference): Promise<string> {
    const key = Object.values(reference).join(" ");
    const known = this.pulled.get(key);
    if (known) return known;
    const pulling = this.download(reference, path.join(this.folder, `chart-${this.pulled.size}`));
    this.pulled.set(key, pulling);
    return pulling;
  }

  private async download({ repository, chart, version }: ChartReference, target: string): Promise<string> {
    await mkdir(target, { recursive: true });
    const source = repository.startsWith("oci://")
      ? [`${repository.replace(/\/$/, "")}/${chart}`]
      : [chart, "--repo", repository];
    try {
      await this.run(["pull", ...source, "--version", version, "--untar", "--untardir", target]);
    } catch (error) {
      const { name, message } = error as Error;
      if (name === "MissingTool") throw error;
      if (NOT_IN_REPOSITORY.test(message))
        throw new Error(`${repository} has no chart ${chart} in version ${version}`);
      throw new ChartsUnreachable(repository, message.replace(/^Error: /, "").trim());
    }
    return path.join(target, chart);
  }

  /**
   * What `helm` prints.
   * @throws MissingTool, or Error with Helm's own message
   */
  run(parameters: readonly string[]): Promise<string> {
    const environment = Object.fromEntries(
      ["CACHE", "CONFIG", "DATA"].map((what) => [
        `HELM_${what}_HOME`,
        path.join(this.folder, what.toLowerCase()),
      ]),
    );
    return runTool("helm", parameters, { environment });
  }
}
