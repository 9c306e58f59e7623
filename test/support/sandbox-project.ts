import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXAMPLE_TEXT, REPOSITORY } from "./example";

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the project as a user's npm script does, without a terminal. */
export function cli(args: readonly string[], env: NodeJS.ProcessEnv = {}): CliResult {
  const result = spawnSync(process.execPath, ["scripts/hybrid-gitops.mjs", ...args], {
    cwd: REPOSITORY,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    env: { ...plainEnvironment(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A command that hangs is a failed test, and no run of tests that never ends.
    timeout: 300_000,
    killSignal: "SIGKILL",
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** The environment without anything of the machine that changes what a command does or how it looks. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:CI$|TF_|CDKTF|DIGITALOCEAN|GITHUB|SPACES|AWS|HYBRID_|FORCE_COLOR)/.test(name),
  );
  return { ...Object.fromEntries(kept), NO_COLOR: "1", CHECKPOINT_DISABLE: "1" };
}

/** Removes the sandboxes of tests that were killed before they could. */
export function removeAbandoned(): void {
  const folder = join(REPOSITORY, ".sandbox");
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const [, pid] = /^test-(\d+)-\d+$/.exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid)))
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

let created = 0;
function nextName(): string {
  if (created === 0) removeAbandoned();
  created += 1;
  return `test-${process.pid}-${created}`;
}

/** A sandbox of a test's own, in the checkout's git-ignored .sandbox folder, with its own configuration. */
export class SandboxProject {
  readonly name = nextName();
  readonly directory = join(REPOSITORY, ".sandbox", this.name);
  readonly configuration = join(this.directory, "infrastructure.config.json");

  constructor(change: (document: Record<string, any>) => void = () => undefined) {
    rmSync(this.directory, { recursive: true, force: true });
    mkdirSync(this.directory, { recursive: true });
    writeFileSync(this.configuration, EXAMPLE_TEXT.replaceAll("example.com", "acme.example"));
    this.configure(change);
  }

  /** Changes the configuration file. */
  configure(change: (document: Record<string, any>) => void): void {
    const document = JSON.parse(readFileSync(this.configuration, "utf8"));
    change(document);
    writeFileSync(this.configuration, JSON.stringify(document, null, 2));
  }

  run(command: string, ...args: string[]): CliResult {
    return cli([command, "--sandbox", this.name, ...args]);
  }

  /** Starts a command and leaves it running. */
  start(command: string, ...args: string[]): ChildProcess {
    return spawn(process.execPath, ["scripts/hybrid-gitops.mjs", command, "--sandbox", this.name, ...args], {
      cwd: REPOSITORY,
      env: plainEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  read(...path: string[]): string {
    return readFileSync(join(this.directory, ...path), "utf8");
  }

  exists(...path: string[]): boolean {
    return existsSync(join(this.directory, ...path));
  }

  json(...path: string[]): any {
    return JSON.parse(this.read(...path));
  }

  write(path: string[], text: string): void {
    writeFileSync(join(this.directory, ...path), text);
  }

  /** Every file below the project, except those of terraform's own that say nothing. */
  files(): string[] {
    return (readdirSync(this.directory, { recursive: true, withFileTypes: true }) as any[])
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  }

  /** The data of a ConfigMap in an environment's cluster. */
  configMap(environment: string, name: string): Record<string, string> {
    const outputs = this.json("state", `${environment}-cluster.tfstate`).outputs;
    const { objects } = this.json("clouds", "kubernetes", `${outputs.cluster_id.value}.json`);
    return objects.ConfigMap[`flux-system/${name}`].data;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
