import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { REPOSITORY } from "../../support/example";
import { type CliResult, cli, SandboxProject } from "../../support/sandbox-project";
import { commitAndPush, type GitServer } from "./git-server";
import type { LiveCluster } from "./live-cluster";
import { type RunningCommand, startCommand } from "./running-command";

/** A project in the sandbox whose clusters are real Kubernetes APIs and whose Git repository Flux reads. */
export class LiveProject {
  readonly project: SandboxProject;
  private readonly checkout: string;
  private readonly apis: string;

  /**
   * @param directory for its own files
   * @param chartRepository where the third-party charts are served; takes the place of every address in the tree
   */
  constructor(
    directory: string,
    private readonly git: GitServer,
    private readonly chartRepository: string,
    change?: (document: Record<string, any>) => void,
  ) {
    mkdirSync(directory, { recursive: true });
    this.project = new SandboxProject(change);
    this.checkout = path.join(directory, "checkout");
    this.apis = path.join(directory, "kubernetes-apis.json");
    execFileSync("git", ["clone", "--quiet", git.repository, this.checkout], { stdio: "pipe" });
  }

  /** Lets the sandbox's stand-in of the kubernetes provider talk to these clusters. */
  connect(clusters: readonly LiveCluster[]): void {
    const entries = clusters.map(({ options, api }) => [
      options.name,
      { server: api.url, token: api.token, ca: api.certificateAuthority },
    ]);
    writeFileSync(this.apis, JSON.stringify(Object.fromEntries(entries)), { mode: 0o600 });
  }

  run(command: string, ...parameters: string[]): CliResult {
    return cli([command, "--sandbox", this.project.name, ...parameters], {
      SANDBOX_KUBERNETES_API: this.apis,
    });
  }

  /** Starts a command and leaves it running, so that something can happen to it. */
  start(command: string, ...parameters: string[]): RunningCommand {
    return startCommand([command, "--sandbox", this.project.name, ...parameters], {
      SANDBOX_KUBERNETES_API: this.apis,
    });
  }

  /** @throws Error with what the command printed */
  deploy(...parameters: string[]): CliResult {
    return succeeded("deploy", this.run("deploy", "--yes", ...parameters));
  }

  /** Makes the encrypted secrets of an environment. */
  createSecrets(environment: string): void {
    const parameters = ["--sandbox", this.project.name, "--environment", environment];
    succeeded(
      "secrets create",
      cli(["secrets", "create", ...parameters], { DIGITALOCEAN_TOKEN: "not-a-token" }),
    );
  }

  /** Commits the project's tree and pushes it. */
  publish(message: string): void {
    for (const folder of ["flux", "helm"])
      rmSync(path.join(this.checkout, folder), { recursive: true, force: true });
    cpSync(path.join(this.project.directory, "flux"), path.join(this.checkout, "flux"), { recursive: true });
    cpSync(path.join(REPOSITORY, "helm"), path.join(this.checkout, "helm"), { recursive: true });
    for (const file of yamlFiles(path.join(this.checkout, "flux"))) {
      const text = readFileSync(file, "utf8");
      if (text.includes("kind: HelmRepository"))
        writeFileSync(file, text.replace(/^( {2}url: ).*$/gm, `$1${this.chartRepository}`));
    }
    commitAndPush(this.checkout, this.git, message);
  }

  /** Changes a file of the project's tree, as a user does before a commit. */
  edit(file: string, change: (text: string) => string): void {
    const place = path.join(this.project.directory, file);
    writeFileSync(place, change(existsSync(place) ? readFileSync(place, "utf8") : ""));
  }

  remove(): void {
    this.project.remove();
  }
}

/** @throws Error with what the command printed */
function succeeded(what: string, result: CliResult): CliResult {
  if (result.code !== 0)
    throw new Error(`${what} ended with ${result.code}:\n${result.stdout}\n${result.stderr}`);
  return result;
}

function yamlFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".yaml"))
    .map((entry) => path.join(entry.parentPath, entry.name));
}
