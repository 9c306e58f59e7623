import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { concealValues, redact } from "../redaction";
import { debugLog } from "./debug-log";
import { startRelay } from "./relay";

/** What terraform says went wrong, or may. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly summary: string;
  readonly detail: string;
  /** The resource it is about. */
  readonly address?: string;
}

/** A line of `terraform … -json`. */
export interface TerraformEvent {
  readonly "@message": string;
  readonly type: string;
  readonly diagnostic?: Diagnostic;
  readonly hook?: {
    readonly resource?: { readonly addr: string };
    readonly action?: string;
    readonly elapsed_seconds?: number;
    readonly output?: string;
  };
}

/** How a run of terraform ended, besides what it said. */
export interface Ending {
  /** What it was doing with which resources and had not finished: `creating digitalocean_vpc.vpc`. */
  readonly underWay: readonly string[];
  /** By address: what it was doing when that failed, such as `create`. */
  readonly failed?: ReadonlyMap<string, string>;
  /** The signal that ended it. */
  readonly signal?: NodeJS.Signals;
}

/** Thrown when a run of terraform fails: the stack, what was tried, and terraform's own diagnostics. */
export class TerraformError extends Error {
  constructor(
    readonly stackName: string,
    readonly step: string,
    readonly diagnostics: readonly Diagnostic[],
    readonly output: string,
    readonly ending: Ending = { underWay: [] },
    /** Where terraform ran. */
    readonly directory = "",
  ) {
    super(`${stackName}: terraform ${step} failed`);
    this.name = "TerraformError";
  }
}

/** Values of a stack's input variables, by name. */
export type Inputs = Readonly<Record<string, string>>;

export interface TerraformRun {
  readonly stack: string;
  readonly directory: string;
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Values of the stack's input variables. terraform gets them by its environment: arguments can be read by other users. */
  readonly inputs?: Inputs;
  /** Exit codes that are no failure; default: 0. */
  readonly accepted?: readonly number[];
  readonly onEvent?: (event: TerraformEvent) => void;
}

const running = new Set<ChildProcess>();

/** How many terraform processes run right now. */
export function runningProcesses(): number {
  return running.size;
}

/** Asks every running terraform to finish what it is doing and to stop cleanly, as its own Ctrl-C does. */
export function interruptAll(): void {
  for (const child of running) child.kill("SIGINT");
}

/**
 * Runs terraform once and collects what it prints; with `-json` among the arguments each line is an event.
 * terraform runs in a process group of its own, so that a Ctrl-C in the terminal reaches it once, through interruptAll(). Where it
 * plans or applies, relays stand between: when this process is killed, terraform ends what it is doing, writes its state and gives its
 * lock back, where a pipe without a reader would kill it with its next line.
 * What fails while its lines are read (onEvent, the debug log) never ends terraform, nor changes how the run ended: it is told on stderr
 * afterwards, the first of it.
 * @throws TerraformError when it exits with a code that isn't accepted, Error when it can't be started or its log can't be written
 */
export async function runTerraform(run: TerraformRun): Promise<{ code: number; stdout: string }> {
  concealValues(Object.values(run.inputs ?? {}).flatMap((value) => [value, ...value.split("\n")]));
  const log = debugLog(run.env);
  const json =
    run.arguments.includes("-json") && run.arguments[0] !== "show" && run.arguments[0] !== "output";
  const child = start(run, json);
  running.add(child.process);
  const diagnostics: Diagnostic[] = [];
  const underWay = new Map<string, string>();
  const failed = new Map<string, string>();
  let signal: NodeJS.Signals | undefined;
  const lines: string[] = [];
  const errors: string[] = [];
  let trouble: Error | undefined;
  const guarded = (work: (line: string) => void) => (line: string) => {
    try {
      work(line);
    } catch (error) {
      trouble ??= error as Error;
    }
  };
  const reading = Promise.allSettled([
    eachLine(
      child.output,
      guarded((line) => {
        const event = json ? parseEvent(line) : undefined;
        if (event?.diagnostic) diagnostics.push(event.diagnostic);
        if (event) {
          follow(event, underWay);
          const { addr, action } = { addr: event.hook?.resource?.addr, action: event.hook?.action };
          if (event.type === "apply_errored" && addr && action) failed.set(addr, action);
          run.onEvent?.(event);
        } else lines.push(line);
      }),
    ),
    eachLine(
      child.errors,
      guarded((line) => {
        if (log?.line(line) ?? true) errors.push(line);
      }),
    ),
  ]);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.process.once("error", (error: NodeJS.ErrnoException) =>
        reject(
          error.code === "ENOENT"
            ? new Error("terraform isn't installed or not in PATH: ./setup.sh says how to get it")
            : error,
        ),
      );
      child.process.once("close", (status, by) => {
        signal = by ?? undefined;
        resolve(status ?? (by ? 130 : 1));
      });
    });
    const readings = await reading;
    guarded(() => log?.end())("");
    for (const read of readings) if (read.status === "rejected") trouble ??= read.reason as Error;
    if (trouble) process.stderr.write(`${explainTrouble(run, trouble)}\n`);
    if (!(run.accepted ?? [0]).includes(code)) {
      const step = stepOf(run);
      const said = [...errors, ...lines].join("\n").trim();
      const ending = { underWay: [...underWay.values()], failed, signal };
      throw new TerraformError(run.stack, step, diagnostics, said, ending, run.directory);
    }
    return { code, stdout: lines.join("\n") };
  } finally {
    running.delete(child.process);
  }
}

interface Started {
  readonly process: ChildProcess;
  readonly output: Readable;
  readonly errors: Readable;
}

/** @param relayed whether it is to go on when nobody reads any more */
function start(run: TerraformRun, relayed: boolean): Started {
  const relays = relayed ? ([startRelay(), startRelay()] as const) : undefined;
  // States and plans hold credentials of the clusters: what terraform writes is its owner's alone.
  const umask = process.umask(0o077);
  try {
    const child = spawn("terraform", [...run.arguments], {
      cwd: run.directory,
      env: terraformEnvironment(run),
      stdio: ["ignore", relays?.[0].input ?? "pipe", relays?.[1].input ?? "pipe"],
      detached: true,
    });
    const [output, errors] = relays?.map((relay) => relay.output) ?? [child.stdout, child.stderr];
    return { process: child, output: output as Readable, errors: errors as Readable };
  } finally {
    process.umask(umask);
    for (const relay of relays ?? []) relay.handOver();
  }
}

function stepOf(run: TerraformRun): string {
  return run.arguments.find((argument) => !argument.startsWith("-")) ?? "";
}

function explainTrouble(run: TerraformRun, { message }: Error): string {
  return redact(
    `${run.stack}: terraform ${stepOf(run)} ran to its end, and not all that it said could be passed on (${message}): lines of the progress or of its log may be missing. What it did is not touched by that.`,
  );
}

const DOING: Readonly<Record<string, string>> = {
  create: "creating",
  update: "changing",
  delete: "destroying",
  read: "reading",
};

/** Keeps account of what has begun and not ended. An error is an end that terraform knows of; what it lost touch with has none. */
function follow({ type, hook }: TerraformEvent, underWay: Map<string, string>): void {
  const address = hook?.resource?.addr;
  if (address === undefined) return;
  if (type === "apply_start")
    underWay.set(address, `${DOING[hook?.action ?? ""] ?? "working on"} ${address}`);
  if (type === "refresh_start") underWay.set(address, `reading ${address}`);
  if (type === "apply_complete" || type === "refresh_complete") underWay.delete(address);
}

/**
 * They would change what the arguments mean or where the state lies, or have terraform or a provider write secrets into a file: its log
 * (debugLog()), the copy of it for a crash, and what goes over the plugin protocol.
 */
const MISLEADING =
  /^(?:TF_CLI_ARGS|TF_LOG_PATH|TF_ACC_LOG_PATH$|TF_TEMP_LOG_PATH$|TF_LOG_SDK_PROTO_DATA_DIR$|TF_WORKSPACE$|TF_DATA_DIR$|TF_VAR_|TF_STATE_)/;

/** An argument of `init`: only providers with a checksum in the lock file are installed, and that is not changed. */
export const READONLY_LOCK = "-lockfile=readonly";
/** Has terraform take providers of the cache whose checksums it doesn't know. */
const UNCHECKED_CACHE = "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE";

function terraformEnvironment({ arguments: words, env, inputs = {} }: TerraformRun): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = { ...env, CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1", TF_INPUT: "0" };
  if (!result.TF_REATTACH_PROVIDERS && !result.TF_PLUGIN_CACHE_DIR) {
    // Six stacks share three providers of up to 100 MB: downloaded once. The versions are exact in every stack.
    result.TF_PLUGIN_CACHE_DIR = pluginCache(result);
    result[UNCHECKED_CACHE] = "1";
  }
  if (words.includes(READONLY_LOCK)) delete result[UNCHECKED_CACHE];
  // terraform warns on every run of a configuration file that isn't there.
  if (result.TF_CLI_CONFIG_FILE && !existsSync(result.TF_CLI_CONFIG_FILE)) delete result.TF_CLI_CONFIG_FILE;
  for (const name of Object.keys(result)) if (MISLEADING.test(name)) delete result[name];
  for (const [name, value] of Object.entries(inputs)) result[`TF_VAR_${name}`] = value;
  return result;
}

function pluginCache({ XDG_CACHE_HOME }: NodeJS.ProcessEnv): string {
  const directory = join(XDG_CACHE_HOME || join(homedir(), ".cache"), "hybrid-gitops", "terraform-providers");
  mkdirSync(directory, { recursive: true });
  return directory;
}

async function eachLine(stream: Readable, work: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }))
    work(line);
}

function parseEvent(line: string): TerraformEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as TerraformEvent;
  } catch {
    return undefined;
  }
}
