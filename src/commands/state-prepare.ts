import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { SpacesBackend, StateBackend } from "../config";
import { INTERRUPTED_EXIT_CODE } from "../deployment/interruption";
import { shownPath } from "../place";
import {
  checkBucket,
  keysOf,
  type PreparationFinding,
  prepareBucket,
  STATE_FOLDER,
  switchLockfileOff,
} from "../state";
import { confirm, isInteractive } from "../terminal/confirm";
import type { Output } from "../terminal/output";
import { setDotenv, type Workspace } from "../workspace";
import type { CommonOptions } from "./options";
import { inStateWorkspace, stateSubcommand } from "./state-workspace";

interface PrepareOptions extends Pick<CommonOptions, "sandbox" | "yes" | "json"> {
  readonly check?: boolean;
}

/** `npm run state -- prepare`: the bucket of the states and the key for it. */
export function statePrepareCommand(): Command {
  return stateSubcommand(
    "prepare",
    "make the bucket of the states and a key for it, or look at what is there and mend it (exit code 0: ready, 1: not)",
    ["sandbox", "yes", "json"],
  )
    .option("--check", "change nothing, only look")
    .action((options: PrepareOptions) =>
      inStateWorkspace(options, (workspace, output) => prepare(workspace, output, options), {
        readOnly: options.check,
      }),
    );
}

async function prepare(workspace: Workspace, output: Output, options: PrepareOptions): Promise<number> {
  const { state } = workspace.project;
  if (state.backend === "local") {
    output.line(
      `There is nothing to prepare: the states are in ${shownPath(workspace.directory, STATE_FOLDER)}/ ("backend": "local"). docs/state.md#a-bucket-for-a-team says how to share them.`,
    );
    output.result({ exitCode: 0, findings: [] });
    return 0;
  }
  const findings: PreparationFinding[] = [];
  const tell = (finding: PreparationFinding): void => {
    findings.push(finding);
    const line = `  ${finding.status.padEnd(9)}  ${finding.message}${finding.fix ? `\n             Fix: ${finding.fix}` : ""}`;
    if (finding.status === "missing") output.problem(line);
    else output.line(line);
  };
  output.heading(`States in the bucket ${state.bucket} (${state.region})`);
  const wantedAtAll = options.check || (await wanted(output, state, options, workspace.directory));
  const line = (text: string): void => output.line(text);
  const { problem, interrupted } = wantedAtAll
    ? await prepareStatesUnlessInterrupted({ ...workspace, state }, { check: options.check, tell, line })
    : { problem: "Nothing was changed.", interrupted: false };
  if (problem !== undefined) output.problem(`\n${problem}`);
  const ready = problem === undefined && findings.every(({ status }) => status !== "missing");
  if (ready && !options.check) output.line(`\nReady. Next: ${next(workspace)}`);
  const exitCode = interrupted ? INTERRUPTED_EXIT_CODE : ready ? 0 : 1;
  output.result({ exitCode, findings, ...(problem === undefined ? {} : { problem }) });
  return exitCode;
}

/** Where the states are, and what their bucket is reached with. */
interface StatesPlace extends Pick<Workspace, "directory" | "configurationFile" | "variables"> {
  readonly state: StateBackend;
}

interface PreparationOptions {
  /** Change nothing. */
  readonly check?: boolean;
  readonly tell: (finding: PreparationFinding) => void;
  /** Takes a line for people. */
  readonly line: (text: string) => void;
}

/**
 * Looks at the bucket of the states, or creates what is missing of it and a key for it. Ctrl-C ends it after its present step.
 * @returns why it could not go on; what was done until then stays
 */
export async function prepareStates(
  place: StatesPlace,
  options: PreparationOptions,
): Promise<string | undefined> {
  return (await prepareStatesUnlessInterrupted(place, options)).problem;
}

async function prepareStatesUnlessInterrupted(
  { state, directory, configurationFile, variables }: StatesPlace,
  { check, tell, line }: PreparationOptions,
): Promise<{ readonly problem?: string; readonly interrupted: boolean }> {
  if (state.backend === "local") return { interrupted: false };
  const interruption = watchSignals(line);
  const context = {
    state,
    directory,
    variables,
    // Only this name of it wins over .env: see useSpacesKey in src/workspace.
    keyIsFromEnvironment: Boolean(process.env.SPACES_ACCESS_KEY_ID),
    keepKey: ({ id, secret }: { readonly id: string; readonly secret: string }): void =>
      setDotenv(join(directory, ".env"), { SPACES_ACCESS_KEY_ID: id, SPACES_SECRET_ACCESS_KEY: secret }),
    switchLockfileOff: (): void => switchLockfileOff(configurationFile),
    tell,
    signal: interruption.signal,
  };
  try {
    if (check) await checkBucket(context);
    else await prepareBucket({ ...context, keys: keysOf(state, variables, directory) });
    return { interrupted: interruption.signal.aborted };
  } catch (error) {
    // What was done until then is told all the same.
    return { problem: (error as Error).message, interrupted: interruption.signal.aborted };
  } finally {
    interruption.end();
  }
}

async function wanted(
  output: Output,
  { bucket, region }: SpacesBackend,
  { yes }: PrepareOptions,
  directory: string,
): Promise<boolean> {
  if (yes) return true;
  const what = `This makes what is missing: the bucket ${bucket} in ${region} (private, with versions), and a key for it in ${shownPath(directory, ".env")}. For as long as that takes, DigitalOcean has a key with full access to your buckets.`;
  if (isInteractive()) return confirm(`${what} Go on?`);
  output.problem(
    `${what}\nThis needs approval, but this is not a terminal. Pass --yes to do it without a question.`,
  );
  return false;
}

/** Local states don't move by themselves. */
function next({ npmRun, directory }: Workspace): string {
  const isDeployed = readdirOr(join(directory, STATE_FOLDER)).some((name) => name.endsWith(".tfstate"));
  return isDeployed
    ? `${npmRun("state", "migrate")}, which moves the states of ${shownPath(directory, STATE_FOLDER)}/ to the bucket`
    : npmRun("deploy");
}

function readdirOr(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

interface Signals {
  readonly signal: AbortSignal;
  readonly end: () => void;
}

/** The first Ctrl-C ends the work after its present step, so that the temporary key is deleted. */
function watchSignals(line: (text: string) => void): Signals {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) return;
    line(`\nInterrupted (${signal}): the temporary key is deleted first.`);
    controller.abort(new Error("Interrupted. What was done stays; run the command again to go on."));
  };
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, onSignal);
  return {
    signal: controller.signal,
    end: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
