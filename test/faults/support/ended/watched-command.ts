import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning } from "../../../../src/processes";
import { REPOSITORY } from "../../../support/example";
import { plainEnvironment, type SandboxProject } from "../../../support/sandbox-project";

/** A process that a command has started. */
export interface Spawned {
  readonly pid: number;
  readonly words: readonly string[];
  /** The name of the folder that it works in. */
  readonly folder: string;
}

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const LOOKED_AT_EVERY_MS = 20;
const QUIET_MS = 200;
/** More than anything here takes, on a machine with other work. */
const PATIENCE_MS = 60_000;
const A_CLEAN_END_MS = 20_000;

/**
 * A command that runs in a process group of its own, as one that was started in a terminal does, and whose processes are known by
 * their numbers.
 */
export class WatchedCommand {
  /** All that it has said so far, on both streams. */
  text = "";
  readonly ended: Promise<Ended>;
  private readonly folder = mkdtempSync(join(tmpdir(), "hybrid-gitops-watched-"));
  private readonly file = join(this.folder, "spawned.jsonl");
  private readonly child: ChildProcess;
  private over = false;
  private heard = Date.now();

  constructor({ name }: SandboxProject, command: string, ...parameters: string[]) {
    this.child = spawn(
      process.execPath,
      ["scripts/hybrid-gitops.mjs", command, "--sandbox", name, ...parameters],
      {
        cwd: REPOSITORY,
        env: {
          ...plainEnvironment(),
          NODE_OPTIONS: `--require ${join(__dirname, "note-spawns.cjs")}`,
          SPAWNED_FILE: this.file,
        },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      },
    );
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding("utf8").on("data", (part: string) => {
        this.text += part;
        this.heard = Date.now();
      });
    this.ended = new Promise((resolve) =>
      this.child.once("close", (code, signal) => {
        this.over = true;
        resolve({ code, signal });
      }),
    );
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Every process that it, or a Node process that it started, has started so far. */
  spawned(): Spawned[] {
    if (!existsSync(this.file)) return [];
    const lines = readFileSync(this.file, "utf8").split("\n");
    // The last one can be half a line.
    return lines.slice(0, -1).map((line) => JSON.parse(line));
  }

  /**
   * Waits until something is so.
   * @throws Error with what it has said, when the command has ended before that or it never is
   */
  async until(what: string, isSo: () => boolean): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    while (!isSo()) {
      if (this.over) throw new Error(`Ended before ${what}\n${this.text}`);
      if (Date.now() > end) {
        // Why a stack has failed is told at the end only.
        this.signal("SIGINT");
        await Promise.race([this.ended, sleep(A_CLEAN_END_MS, undefined, { ref: false })]);
        throw new Error(`Not within a minute: ${what}\n${this.text}`);
      }
      await sleep(LOOKED_AT_EVERY_MS);
    }
  }

  /** Whether it has said nothing for a while. */
  isQuiet(): boolean {
    return Date.now() - this.heard > QUIET_MS;
  }

  /** A signal for the command alone. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** A signal for its process group, as a terminal sends it for Ctrl-C or when it is closed. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** SIGKILL for the command and for everything that it has started. */
  killAll(): void {
    // It must not see its children end, and they not its end: terraform would write its state while it is killed.
    kill(this.pid, "SIGSTOP");
    for (const pid of [...this.spawned().map((one) => one.pid), this.pid]) kill(pid);
  }

  /** What it has started and what still runs a while after its end, by number and words: nothing, when all is well. What does is ended. */
  async leftRunning(): Promise<string[]> {
    const end = Date.now() + 10_000;
    // One that is gone is not asked for again: its number may be given to another one.
    let left = this.spawned();
    for (;;) {
      left = left.filter(({ pid }) => isRunning(pid));
      if (left.length === 0 || Date.now() > end) break;
      await sleep(LOOKED_AT_EVERY_MS);
    }
    for (const { pid } of left) kill(pid);
    return left.map(({ pid, words }) => `${pid} ${words.join(" ")}`);
  }

  /** Ends it after a test that failed, and removes its notes. */
  dispose(): void {
    if (!this.over) this.killAll();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function kill(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
