import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { type Manifest, parseManifests, toolPath } from "../../src/flux-tree";
import { describeWithTools } from "../flux-tree/schema-tools";

/** `describe` that needs helm. */
export function describeWithHelm(name: string, tests: () => void): void {
  describeWithTools(name, { tools: ["helm"] }, tests);
}

export interface HelmResult {
  readonly status: number | null;
  readonly stdout: string;
  /** Without what helm says to everyone who has a mistake in a template. */
  readonly message: string;
}

/** A chart of this repository, run through helm. */
export class Chart {
  constructor(
    private readonly folder: string,
    private readonly release: string,
  ) {}

  lint(...values: readonly unknown[]): HelmResult {
    return this.run(["lint", "--strict", this.folder], values);
  }

  template(...values: readonly unknown[]): HelmResult {
    return this.run(["template", this.release, this.folder, "--namespace", this.release], values);
  }

  /**
   * The objects of a release; of several values the later ones win, as with helm-controller.
   * @throws Error with helm's message
   */
  objects(...values: readonly unknown[]): Manifest[] {
    const { status, stdout, message } = this.template(...values);
    if (status !== 0) throw new Error(message);
    return parseManifests(stdout, this.folder);
  }

  private run(parameters: readonly string[], values: readonly unknown[]): HelmResult {
    const folder = mkdtempSync(path.join(tmpdir(), "helm-values-"));
    try {
      const files = values.flatMap((value, index) => {
        const file = path.join(folder, `${index}.yaml`);
        writeFileSync(file, typeof value === "string" ? value : stringify(value));
        return ["--values", file];
      });
      const { status, stdout, stderr } = spawnSync(toolPath("helm"), [...parameters, ...files], {
        encoding: "utf8",
      });
      const message = stderr.replace(/^Error: /, "").replace(/\n\nUse --debug flag .*\n/, "\n");
      return { status, stdout, message: message.trim() };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}
