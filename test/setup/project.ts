import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import {
  type Finding,
  type Result,
  Report as SetupReport,
  type StatePreparation,
  setup,
} from "../../src/setup";
import { Output } from "../../src/terminal/output";
import { REPOSITORY } from "../support/example";

/** What setup.sh may use beside Node; everything else is on the test's PATH only when the test puts it there. */
const UTILITIES = ["dirname", "printf", "stty", "uname"];

/** Programs that say their version as the real ones do. */
export const VERSIONS = {
  terraform: "Terraform v1.11.4\non linux_amd64",
  npm: "10.8.2",
  flux: "flux version 2.9.4",
  kubectl: "Client Version: v1.34.2",
  sops: "sops 3.13.3",
  age: "v1.3.2",
};

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Report extends Run, Result {}

export interface RunOptions {
  readonly shell?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The real program of a name on this machine's PATH. */
export function realProgram(name: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

/** What ./setup.sh needs of a checkout to start the command. */
const PARTS = ["setup.sh", ".env.example", ".gitignore", "infrastructure.config.json.example"];
/** What the bundles are made from: looked at, and not copied. */
const SOURCES = ["main.ts", "src", "sandbox", "package-lock.json", "tsconfig.json", "node_modules"];

/** Bundles this checkout, so that a temporary one can run the command. */
export function build(): void {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/prepare.mjs"], {
    cwd: REPOSITORY,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`scripts/prepare.mjs: ${stderr}`);
}

/** A temporary checkout with what setup reads, and a PATH of its own. */
export class TemporaryProject {
  private readonly root = mkdtempSync(join(tmpdir(), "setup test-"));
  /** Has a space in its name, as a user's folder may have. */
  readonly directory = join(this.root, "my project");
  private readonly bin = join(this.root, "bin");
  /** The arguments of every program that was started, as other users could have read them with `ps`. */
  private readonly log = join(this.root, "arguments.log");
  /** What the bucket of the states is prepared with. */
  states: StatePreparation = async () => undefined;
  /** `address:port` of a name server; none answers by itself. */
  nameServer = "127.0.0.1:9";

  /** With `logged`, the arguments of every program are kept for arguments(). */
  constructor({ logged = false } = {}) {
    mkdirSync(this.bin);
    mkdirSync(this.directory);
    for (const name of PARTS) cpSync(join(REPOSITORY, name), join(this.directory, name));
    for (const name of [...UTILITIES, "git"]) this.install(name, logged);
    if (logged) this.install("node", logged);
    else symlinkSync(process.execPath, join(this.bin, "node"));
    for (const [name, version] of Object.entries(VERSIONS)) this.installFake(name, version);
    for (const name of ["staging", "production"])
      mkdirSync(join(this.directory, "flux", "clusters", name), { recursive: true });
    this.git("init", "--quiet");
  }

  /** Brings the command itself, for run(): {@link build} has made it. */
  withCommand(): this {
    for (const name of SOURCES) symlinkSync(join(REPOSITORY, name), join(this.directory, name));
    mkdirSync(join(this.directory, "scripts"));
    for (const name of readdirSync(join(REPOSITORY, "scripts")).filter((one) => one.endsWith(".mjs")))
      cpSync(join(REPOSITORY, "scripts", name), join(this.directory, "scripts", name));
    mkdirSync(join(this.directory, "dist"));
    cpSync(join(REPOSITORY, "dist", "cli.js"), join(this.directory, "dist", "cli.js"));
    this.write("dist/built", "");
    return this;
  }

  /** Puts a real program on the PATH. */
  install(name: string, logged = false): void {
    const target = realProgram(name);
    if (!target) throw new Error(`This test needs ${name} on the PATH.`);
    if (logged) this.program(name, `exec '${target}' "$@"`);
    else symlinkSync(target, join(this.bin, name));
  }

  /** Puts a program on the PATH that only tells its version. */
  installFake(name: string, version: string): void {
    this.program(name, `/bin/cat <<'VERSION'\n${version}\nVERSION`);
  }

  /** A Node that tells another version but works. */
  installNode(version: string): void {
    this.program(
      "node",
      `[ "$*" != --version ] || { echo '${version}'; exit; }\nexec '${process.execPath}' "$@"`,
    );
  }

  uninstall(...names: readonly string[]): void {
    for (const name of names) rmSync(join(this.bin, name));
  }

  /** The tree of this repository, with its secrets' folders. */
  withTree(): void {
    cpSync(join(REPOSITORY, "flux"), join(this.directory, "flux"), { recursive: true });
  }

  write(name: string, text: string, mode?: number): void {
    writeFileSync(join(this.directory, name), text);
    if (mode !== undefined) chmodSync(join(this.directory, name), mode);
  }

  /** A configuration that needs nothing but a DigitalOcean token, changed by `change`. */
  configure(change: Readonly<Record<string, unknown>> = {}): void {
    this.write(
      "infrastructure.config.json",
      JSON.stringify({
        project: { name: "shop", domain: "shop.example", email: "it@shop.example" },
        environments: [
          { name: "staging", cluster: { region: "nyc3", nodeSize: "s-2vcpu-4gb", nodeCount: 3 } },
        ],
        ...change,
      }),
    );
  }

  read(name: string): string {
    return readFileSync(join(this.directory, name), "utf8");
  }

  has(name: string): boolean {
    return existsSync(join(this.directory, name));
  }

  /** Permissions as in 0600. */
  mode(name: string): number {
    return lstatSync(join(this.directory, name)).mode & 0o777;
  }

  git(...args: readonly string[]): void {
    const result = spawnSync("git", args, {
      cwd: this.directory,
      encoding: "utf8",
      env: { ...process.env, GIT_DIR: undefined },
    });
    if (result.status !== 0) throw new Error(`git ${args.join(" ")}: ${result.stderr}`);
  }

  /** Every file with its permissions, time and content, apart from Git's own and what is built. */
  snapshot(folder = this.directory): Record<string, string> {
    const result: Record<string, string> = {};
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if ([".git", "node_modules", "dist"].includes(entry.name)) continue;
      const { mode, mtimeMs } = lstatSync(path);
      result[path] = `${mode} ${mtimeMs} ${entry.isFile() ? readFileSync(path, "base64") : ""}`;
      if (entry.isDirectory()) Object.assign(result, this.snapshot(path));
    }
    return result;
  }

  arguments(): string {
    return existsSync(this.log) ? readFileSync(this.log, "utf8") : "";
  }

  environment(env: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      PATH: this.bin,
      HOME: this.root,
      TERM: "xterm",
      HYBRID_GITOPS_NAME_SERVER: this.nameServer,
      ...env,
    };
  }

  /** Runs ./setup.sh as a user does. */
  async run(args: readonly string[], { shell = ["/bin/sh"], env = {} }: RunOptions = {}): Promise<Run> {
    const [program = "/bin/sh", ...options] = shell;
    const child = spawn(program, [...options, join(this.directory, "setup.sh"), ...args], {
      cwd: this.root,
      env: this.environment(env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    return finished(child);
  }

  /** The report of ./setup.sh --json. */
  async reportOfRun(args: readonly string[] = [], options: RunOptions = {}): Promise<Report> {
    const run = await this.run(["--json", ...args], options);
    return { ...run, ...(JSON.parse(run.stdout) as Result) };
  }

  /** The same checks, in this process. */
  async report(
    args: ReadonlyArray<"--check" | "--yes"> = [],
    { env = {} }: Pick<RunOptions, "env"> = {},
  ): Promise<Report> {
    const check = args.includes("--check");
    const result = await setup({
      directory: this.directory,
      options: { check, yes: args.includes("--yes") && !check, ask: false },
      environment: this.environment(env),
      report: new SetupReport(new Output(true), true),
      questions: {
        agrees: () => Promise.reject(new Error("nobody is there to be asked")),
        unseen: () => Promise.reject(new Error("nobody is there to be asked")),
      },
      states: this.states,
      nameServer: this.nameServer,
    });
    return { ...result, code: result.ready ? 0 : 1, stdout: JSON.stringify(result), stderr: "" };
  }

  remove(...names: readonly string[]): void {
    for (const name of names) rmSync(join(this.directory, name));
  }

  /** Deletes everything. */
  dispose(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  private program(name: string, body: string): void {
    const file = join(this.bin, name);
    rmSync(file, { force: true });
    writeFileSync(file, `#!/bin/sh\nprintf '%s\\n' "${name} $*" >>'${this.log}'\n${body}\n`);
    chmodSync(file, 0o755);
  }
}

export async function finished(child: ChildProcess): Promise<Run> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, stdout, stderr };
}

export function find(report: Report, check: string): Finding {
  const finding = report.findings.find((candidate) => candidate.check === check);
  if (!finding)
    throw new Error(`no finding ${check} in ${report.findings.map((known) => known.check).join(", ")}`);
  return finding;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An API on loopback: answers by path, remembers what it was asked. */
export class LoopbackApi {
  readonly requests: { readonly url: string; readonly authorization: string | undefined }[] = [];
  private constructor(
    private readonly server: Server,
    readonly url: string,
    private readonly answers: Record<string, Answer>,
  ) {}

  static async start(): Promise<LoopbackApi> {
    const answers: Record<string, Answer> = {};
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const api = new LoopbackApi(
      server,
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      answers,
    );
    server.on("request", (request: IncomingMessage, response) => {
      // GitHub Enterprise Server has its API below /api/v3.
      const url = (request.url ?? "").replace(/^\/api\/v3/, "");
      api.requests.push({ url, authorization: request.headers.authorization });
      const { status, headers = {}, body = "{}" } = answers[url] ?? { status: 200 };
      response.writeHead(status, headers).end(body);
    });
    return api;
  }

  /** What a path is answered with; other paths get an empty 200. */
  answer(path: string, answer: Answer): void {
    this.answers[path] = answer;
  }

  reset(): void {
    this.requests.length = 0;
    for (const path of Object.keys(this.answers)) delete this.answers[path];
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
