import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Command } from "commander";
import pc from "picocolors";
import { CONFIGURATION_FILE, EXAMPLE_FILE, PLACEHOLDER_DOMAIN } from "../config";
import { watchInterruption } from "../deployment/interruption";
import { planAll } from "../deployment/plan-all";
import { FLUX_NAMESPACE, VALUES_CONFIG_MAP, VALUES_KEY, VARIABLES_CONFIG_MAP } from "../flux";
import { Output } from "../terminal/output";
import { planLines } from "../terminal/plan-view";
import { hasChanges, stateOutputs } from "../terraform";
import { openWorkspace, REPOSITORY, SANDBOX_DIRECTORY, synthesizeStacks, type Workspace } from "../workspace";
import { deploy } from "./deploy";
import { command } from "./options";

const NAME = "demo";
/** Reserved for documentation (RFC 2606), and not the placeholder itself, so that the replacement can be seen. */
const DOMAIN = "my-startup.example";
const SMALL = "s-2vcpu-4gb";
const LARGER = "s-4vcpu-8gb";

/** The whole workflow in the sandbox. */
export function demoCommand(): Command {
  return command(
    "demo",
    "Show the whole workflow in the sandbox: no account, no cost, real terraform",
    [],
  ).action(async () => {
    const output = new Output(false);
    const demo = new Demo(output);
    const interruption = watchInterruption(output);
    try {
      process.exitCode = await demo.run(interruption);
    } finally {
      interruption.end();
    }
  });
}

interface ConfigMap {
  readonly data?: Readonly<Record<string, string>>;
}

class Demo {
  private readonly directory = join(SANDBOX_DIRECTORY, NAME);
  private readonly configuration = join(this.directory, CONFIGURATION_FILE);
  private step = 0;

  constructor(private readonly output: Output) {}

  async run(interruption: ReturnType<typeof watchInterruption>): Promise<number> {
    const { output } = this;
    output.line(
      "This is the real workflow with the real terraform; only the clouds are stand-ins on this machine.",
    );
    this.title("The configuration: one file");
    this.writeConfiguration();

    this.title("The first deploy: staging and production");
    const deployed = await this.inWorkspace(async (workspace) => {
      const code = await this.deployIn(workspace, interruption);
      if (code === 0) this.showConfiguredTree(workspace);
      return code;
    });
    if (deployed !== 0) return deployed;

    this.title("What Flux sizes the applications from");
    await this.inWorkspace(async (workspace) => this.showConfigMaps(workspace));

    this.title(`Staging gets larger nodes: ${SMALL} -> ${LARGER}, one value in ${CONFIGURATION_FILE}`);
    this.enlargeStaging();
    const changed = await this.inWorkspace((workspace) => this.deployIn(workspace, interruption));
    if (changed !== 0) return changed;

    this.title("Once more: nothing is left to change");
    return this.inWorkspace(async (workspace) => {
      const clean = await this.planIsEmpty(workspace);
      if (clean) this.conclude(workspace);
      return clean ? 0 : 1;
    });
  }

  private title(text: string): void {
    this.step += 1;
    this.output.line(`\n${pc.bold(pc.cyan(`== ${this.step}. ${text} ==`))}`);
  }

  /** The example with a domain that can be told from the placeholder. */
  private writeConfiguration(): void {
    const existed = existsSync(this.directory);
    rmSync(this.directory, { recursive: true, force: true });
    mkdirSync(this.directory, { recursive: true });
    const example = readFileSync(join(REPOSITORY, EXAMPLE_FILE), "utf8");
    writeFileSync(
      this.configuration,
      example.replaceAll(PLACEHOLDER_DOMAIN, DOMAIN).replace('"./dist/', '"../../dist/'),
    );
    this.output.line(
      `${relative(process.cwd(), this.configuration)}: the example, with ${DOMAIN} as its domain.`,
    );
    if (existed) this.output.line("The demo starts over: what an earlier one left there is gone.");
  }

  private enlargeStaging(): void {
    const before = readFileSync(this.configuration, "utf8");
    writeFileSync(this.configuration, before.replace(`"nodeSize": "${SMALL}"`, `"nodeSize": "${LARGER}"`));
  }

  private async inWorkspace<Result>(work: (workspace: Workspace) => Promise<Result>): Promise<Result> {
    const workspace = await openWorkspace({ command: "demo", sandbox: NAME });
    try {
      return await work(workspace);
    } finally {
      await workspace.close();
    }
  }

  private async deployIn(
    workspace: Workspace,
    interruption: ReturnType<typeof watchInterruption>,
  ): Promise<number> {
    const options = { environment: [], stack: [], yes: true };
    return (await deploy({ workspace, output: this.output, interruption, options })).exitCode;
  }

  /** What sed made of one file. */
  private showConfiguredTree({ directory }: Workspace): void {
    this.output.heading("Static configuration (sed, once; originals in flux/.backups)");
    const file = join("flux", "apps", "mattermost", "staging", "helm-release.yaml");
    const lines = (path: string): string[] => readFileSync(join(directory, path), "utf8").split("\n");
    const [before, after] = [
      lines(join("flux", ".backups", `${file.slice("flux/".length)}.orig`)),
      lines(file),
    ];
    this.output.line(file);
    before.forEach((line, index) => {
      if (line === after[index]) return;
      this.output.line(pc.red(`  - ${line.trim()}`));
      this.output.line(pc.green(`  + ${after[index]?.trim()}`));
    });
  }

  /** What is in the cluster, not what was meant to be. */
  private async showConfigMaps(workspace: Workspace): Promise<void> {
    const cluster = (await synthesizeStacks(workspace)).find(({ name }) => name === "production-cluster");
    if (!cluster) throw new Error("the demo's configuration has no production environment");
    const { cluster_id: id } = await stateOutputs(cluster, workspace.variables);
    const file = join(this.directory, "clouds", "kubernetes", `${id}.json`);
    const { objects } = JSON.parse(readFileSync(file, "utf8")) as {
      objects: { ConfigMap: Record<string, ConfigMap> };
    };
    const data = (name: string): Record<string, string> =>
      objects.ConfigMap[`${FLUX_NAMESPACE}/${name}`]?.data ?? {};
    this.output.line(
      `ConfigMap ${VALUES_CONFIG_MAP} in ${FLUX_NAMESPACE} of production, ${VALUES_KEY} (its first part):`,
    );
    const document = data(VALUES_CONFIG_MAP)[VALUES_KEY]?.split("\n") ?? [];
    for (const line of document.slice(0, 22)) this.output.line(`  ${line}`);
    const variables = Object.entries(data(VARIABLES_CONFIG_MAP));
    this.output.line(
      `ConfigMap ${VARIABLES_CONFIG_MAP}, ${variables.length} variables for \${…} in manifests, among them:`,
    );
    const wanted =
      /^infraConfig_(?:storage_bulk_size|applications_mattermost_(?:resources|storage_size|replicas))$/;
    for (const [name, value] of variables.filter(([name]) => wanted.test(name)))
      this.output.line(`  ${name} = ${value}`);
  }

  private async planIsEmpty(workspace: Workspace): Promise<boolean> {
    const all = await synthesizeStacks(workspace);
    const { plans, failures } = await planAll({ workspace, all, selected: all, output: this.output });
    for (const plan of plans) this.output.line(planLines(plan).join("\n"));
    for (const { message } of failures) this.output.problem(message);
    return failures.length === 0 && !plans.some(hasChanges);
  }

  private conclude({ project, outdir }: Workspace): void {
    const from = (path: string): string => relative(process.cwd(), join(this.directory, path));
    this.title("That was it");
    this.output.line(
      `Two clusters (${project.environments.map(({ cluster }) => cluster.name).join(", ")}) are deployed in the sandbox. To look at:`,
    );
    for (const [path, what] of [
      ["clouds", "the stand-ins' clouds: DigitalOcean, GitHub, and the objects in each cluster"],
      ["flux", "the configured Flux tree, originals in .backups"],
      ["state", "Terraform's state, one file a stack"],
      [relative(this.directory, outdir), "the synthesized stacks"],
    ] as const) {
      this.output.line(`  ${from(path).padEnd(24)} ${what}`);
    }
    this.output.line(
      `\nTry it: change ${relative(process.cwd(), this.configuration)}, then  npm run diff -- --sandbox ${NAME}`,
    );
    this.output.line("For real: ./setup.sh, then  npm run deploy");
  }
}
