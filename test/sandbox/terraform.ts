import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../sandbox";

/** One diagnostic as terraform prints it with -json. */
export interface Diagnostic {
  readonly severity: string;
  readonly summary: string;
  readonly detail: string;
  readonly address?: string;
}

/** What a run of terraform came to. */
export interface Run {
  readonly code: number;
  readonly output: string;
  readonly diagnostics: readonly Diagnostic[];
  /** Planned changes by address: create, update, replace, delete, read, … */
  readonly changes: Readonly<Record<string, string>>;
  /** Drift by address: what changed outside of terraform. */
  readonly drift: Readonly<Record<string, string>>;
}

interface Message {
  type: string;
  diagnostic?: Diagnostic;
  change?: { resource: { addr: string }; action: string };
}

const PROVIDERS = `
terraform {
  required_providers {
    digitalocean = { source = "digitalocean/digitalocean" }
    github       = { source = "integrations/github" }
    kubernetes   = { source = "hashicorp/kubernetes" }
    null         = { source = "hashicorp/null" }
  }
}
provider "github" {
  owner = "acme"
}
`;

/** The kubernetes provider configured from a cluster's data source, as the stacks do it. */
export const KUBERNETES = `
data "digitalocean_kubernetes_cluster" "it" {
  name = digitalocean_kubernetes_cluster.it.name
}
provider "kubernetes" {
  host                   = data.digitalocean_kubernetes_cluster.it.endpoint
  token                  = data.digitalocean_kubernetes_cluster.it.kube_config[0].token
  cluster_ca_certificate = base64decode(data.digitalocean_kubernetes_cluster.it.kube_config[0].cluster_ca_certificate)
}
`;

/** A small cluster called staging. */
export const CLUSTER = `
resource "digitalocean_kubernetes_cluster" "it" {
  name    = "staging"
  region  = "nyc3"
  version = "1.33.6-do.2"
  node_pool {
    name       = "system"
    size       = "s-2vcpu-2gb"
    node_count = 1
  }
}
`;

/** A folder with a configuration and a state. */
export class Workspace {
  constructor(
    readonly folder: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  /** Replaces the configuration. */
  write(configuration: string): this {
    writeFileSync(join(this.folder, "main.tf"), `${PROVIDERS}${configuration}`);
    return this;
  }

  /** Runs terraform and returns its exit code and output. */
  async run(...args: string[]): Promise<{ code: number; output: string }> {
    const { TF_CLI_CONFIG_FILE: _, ...inherited } = process.env;
    return new Promise((resolve, reject) => {
      execFile(
        "terraform",
        args,
        {
          cwd: this.folder,
          env: { ...inherited, ...this.env, TF_IN_AUTOMATION: "1" },
          maxBuffer: 64 * 1024 * 1024,
        },
        (error, stdout, stderr) => {
          if (error && typeof error.code !== "number") reject(error);
          else
            resolve({ code: typeof error?.code === "number" ? error.code : 0, output: `${stdout}${stderr}` });
        },
      );
    });
  }

  async init(): Promise<this> {
    const { code, output } = await this.run("init", "-no-color", "-input=false");
    if (code !== 0) throw new Error(output);
    return this;
  }

  async plan(...args: string[]): Promise<Run> {
    return this.json("plan", "-detailed-exitcode", ...args);
  }

  async apply(...args: string[]): Promise<Run> {
    return this.json("apply", "-auto-approve", ...args);
  }

  async destroy(...args: string[]): Promise<Run> {
    return this.json("destroy", "-auto-approve", ...args);
  }

  /** Applies, and fails the test with terraform's errors when that doesn't work. */
  async mustApply(...args: string[]): Promise<Run> {
    const run = await this.apply(...args);
    if (run.code !== 0) throw new Error(JSON.stringify(run.diagnostics, null, 2));
    return run;
  }

  /** Attributes of the resources in the state, by address. */
  state(): Record<string, Record<string, unknown>> {
    const { resources } = JSON.parse(readFileSync(join(this.folder, "terraform.tfstate"), "utf8")) as {
      resources: Array<{
        mode: string;
        type: string;
        name: string;
        instances: Array<{ attributes: Record<string, unknown> }>;
      }>;
    };
    return Object.fromEntries(
      resources.map(({ mode, type, name, instances }) => [
        `${mode === "data" ? "data." : ""}${type}.${name}`,
        instances[0]?.attributes ?? {},
      ]),
    );
  }

  /** The text of the state's file. */
  stateText(): string {
    return readFileSync(join(this.folder, "terraform.tfstate"), "utf8");
  }

  private async json(...args: string[]): Promise<Run> {
    const { code, output } = await this.run(...args, "-json", "-input=false");
    const messages = output
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Message);
    const actions = (type: string) =>
      Object.fromEntries(
        messages.flatMap(({ type: found, change }) =>
          found === type && change ? [[change.resource.addr, change.action]] : [],
        ),
      );
    return {
      code,
      output,
      diagnostics: messages.flatMap(({ diagnostic }) => (diagnostic ? [diagnostic] : [])),
      changes: actions("planned_change"),
      drift: actions("resource_drift"),
    };
  }
}

/** A sandbox on a folder of its own, with workspaces in it. */
export class Playground {
  private constructor(
    readonly folder: string,
    readonly sandbox: Sandbox,
  ) {}

  static async start(options: Partial<SandboxOptions> = {}): Promise<Playground> {
    const folder = mkdtempSync(join(tmpdir(), "sandbox-test-"));
    return new Playground(folder, await startSandbox({ directory: join(folder, "clouds"), ...options }));
  }

  /** An initialized workspace with a configuration. */
  async workspace(name: string, configuration: string): Promise<Workspace> {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    return new Workspace(folder, this.sandbox.env).write(configuration).init();
  }

  /** Path of a cloud's file. */
  cloud(name: string): string {
    return join(this.folder, "clouds", name);
  }

  /** Content of a cloud's file. */
  read(name: string): any {
    return JSON.parse(readFileSync(this.cloud(name), "utf8"));
  }

  /** Changes a cloud's file by hand, as a user would. */
  edit(name: string, change: (content: any) => void): void {
    const content = this.read(name);
    change(content);
    writeFileSync(this.cloud(name), JSON.stringify(content));
  }

  /** Asks for failures. */
  faults(...faults: object[]): void {
    writeFileSync(this.cloud("faults.json"), JSON.stringify(faults));
  }

  async stop(): Promise<void> {
    await this.sandbox.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Summaries and details of errors as one text each. */
export const errorsOf = ({ diagnostics }: Run): string[] =>
  diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ summary, detail }) => (detail ? `${summary}: ${detail}` : summary));
