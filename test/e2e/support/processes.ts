import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How a program is started. */
export interface ProgramOptions {
  readonly program: string;
  readonly parameters: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** Resolves to true once it can be used; asked again until it does. */
  readonly isReady: () => Promise<boolean>;
}

/** On a machine with much else to do an API server takes more than a minute. */
const READY_LIMIT_MS = 180_000;

/** Programs that run beside the tests, each with its own log; all are ended by their own process id. */
export class Processes {
  private readonly running = new Map<string, ChildProcess>();
  private readonly reaper: ChildProcess;

  /** @param logs folder with one file per program */
  constructor(readonly logs: string) {
    mkdirSync(logs, { recursive: true });
    this.reaper = spawn(process.execPath, [path.join(__dirname, "reaper.mjs")], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.reaper.unref();
  }

  /**
   * Starts a program and waits until it is ready; one that runs already goes on.
   * @throws Error with the path of its log when it ends or is not ready in time
   */
  async start(
    name: string,
    { program, parameters, environment, directory, isReady }: ProgramOptions,
  ): Promise<void> {
    if (this.running.has(name)) return;
    const log = path.join(this.logs, `${name}.log`);
    const stream = createWriteStream(log, { flags: "a" });
    const child = spawn(program, parameters, {
      cwd: directory,
      env: environment ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.pipe(stream, { end: false });
    child.stderr.pipe(stream, { end: false });
    let failure: string | undefined;
    child.once("error", (error) => {
      failure = error.message;
    });
    child.once("exit", (code, signal) => {
      failure ??= `it ended with ${signal ?? code}`;
      if (this.running.get(name) === child) this.running.delete(name);
      this.reaper.stdin?.write(`-${child.pid}\n`);
      stream.end();
    });
    this.running.set(name, child);
    this.reaper.stdin?.write(`+${child.pid}\n`);
    const end = Date.now() + READY_LIMIT_MS;
    while (!(await isReady().catch(() => false))) {
      if (failure !== undefined) throw new Error(`${name} did not start: ${failure}; see ${log}`);
      if (Date.now() > end)
        throw new Error(`${name} is not ready after ${READY_LIMIT_MS / 1000} s; see ${log}`);
      await sleep(50);
    }
  }

  /** Ends a program and waits until it is gone; `SIGKILL` is what a crash looks like. */
  async stop(name: string, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.running.get(name);
    if (!child) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    const patience = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await gone;
    clearTimeout(patience);
  }

  /** Ends everything, last started first. */
  async stopAll(): Promise<void> {
    for (const name of [...this.running.keys()].reverse()) await this.stop(name);
    this.reaper.stdin?.end();
  }
}

/** Free ports of the loopback address. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
