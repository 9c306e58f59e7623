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

const REPOSITORY = join(__dirname, "..", "..");

/** What a Unix system brings; everything else is on the test's PATH only when the test puts it there. */
const UTILITIES = [
  "awk",
  "cat",
  "chmod",
  "cut",
  "date",
  "dirname",
  "ls",
  "mv",
  "printf",
  "sed",
  "sleep",
  "stty",
  "tr",
];

/** Programs that say their version as the real ones do. */
export const VERSIONS = {
  terraform: "Terraform v1.11.4\non linux_amd64",
  npm: "10.8.2",
  flux: "flux version 2.9.4",
  kubectl: "Client Version: v1.34.2",
  sops: "sops 3.13.3",
  age: "v1.3.2",
};

export interface Finding {
  readonly check: string;
  readonly status: "ok" | "missing" | "warning" | "unchecked";
  readonly message: string;
  readonly fix: string;
}

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Report extends Run {
  readonly ready: boolean;
  readonly findings: readonly Finding[];
  readonly changes: readonly string[];
}

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

/** A temporary checkout with setup.sh, what it reads, and a PATH of its own. */
export class TemporaryProject {
  private readonly root = mkdtempSync(join(tmpdir(), "setup test-"));
  /** Has a space in its name, as a user's folder may have. */
  readonly directory = join(this.root, "my project");
  private readonly bin = join(this.root, "bin");
  /** The arguments of every program that was started, as other users could have read them with `ps`. */
  private readonly log = join(this.root, "arguments.log");

  /** With `logged`, the arguments of every program are kept for arguments(); it takes twice the time. */
  constructor({ logged = false } = {}) {
    mkdirSync(this.bin);
    mkdirSync(join(this.directory, "scripts"), { recursive: true });
    for (const name of [
      "setup.sh",
      "scripts/setup",
      ".env.example",
      ".gitignore",
      "infrastructure.config.json.example",
    ])
      cpSync(join(REPOSITORY, name), join(this.directory, name), { recursive: true });
    this.write("scripts/prepare.mjs", "");
    mkdirSync(join(this.directory, "dist"));
    this.checkConfigSays("The configuration is fine.", 0);
    this.secretsSay({ list: { environments: [] } });
    for (const name of [...UTILITIES, "git", "node", "curl"]) this.install(name, logged);
    for (const [name, version] of Object.entries(VERSIONS)) this.installFake(name, version);
    this.git("init", "--quiet");
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

  checkConfigSays(message: string, code: number): void {
    const text = JSON.stringify(message);
    this.write(
      "dist/cli.js",
      `const [command, subcommand] = process.argv.slice(2);
if (command === "check-config") { console.error(${text}); process.exitCode = ${code}; }
if (command === "secrets") require("./secrets.js")(subcommand);
`,
    );
  }

  /** What `npm run secrets` prints by subcommand; an Error stands for a message and exit code 1. */
  secretsSay(answers: Readonly<Record<string, unknown>>, code = 0): void {
    const texts = Object.entries(answers).map(([name, answer]) => [
      name,
      answer instanceof Error ? { error: answer.message } : { output: JSON.stringify(answer) },
    ]);
    this.write(
      "dist/secrets.js",
      `const { appendFileSync } = require("fs");
const answers = ${JSON.stringify(Object.fromEntries(texts))};
module.exports = (subcommand) => {
  if (subcommand !== "list") appendFileSync("dist/secrets.log", subcommand + "\\n");
  const { error, output } = answers[subcommand];
  process.exitCode = error ? 1 : ${code};
  if (error) console.error(error); else console.log(output);
};
`,
    );
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
        project: { name: "shop", domain: "shop.test", email: "it@shop.test" },
        environments: [],
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

  /** Every file with its permissions, time and content, Git's own apart. */
  snapshot(folder = this.directory): Record<string, string> {
    const result: Record<string, string> = {};
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.name === ".git") continue;
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
    return { PATH: this.bin, HOME: this.root, TERM: "xterm", ...env };
  }

  async run(args: readonly string[], { shell = ["/bin/sh"], env = {} }: RunOptions = {}): Promise<Run> {
    const [program = "/bin/sh", ...options] = shell;
    const child = spawn(program, [...options, join(this.directory, "setup.sh"), ...args], {
      cwd: this.root,
      env: this.environment(env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    return finished(child);
  }

  async report(args: readonly string[] = [], options: RunOptions = {}): Promise<Report> {
    const run = await this.run(["--json", ...args], options);
    return { ...run, ...(JSON.parse(run.stdout) as Pick<Report, "ready" | "findings" | "changes">) };
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
      const url = request.url ?? "";
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
