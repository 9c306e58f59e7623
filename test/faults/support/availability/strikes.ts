import type * as ChildProcesses from "node:child_process";
import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { STACK_KINDS } from "../../../../src/stacks/environment-stack";
import type { Workspace } from "../../../../src/workspace";
import type { SandboxProject } from "../../../support/sandbox-project";
import { type Deployed, deployIn } from "./deploys";
import { groups, pointOf, type Step } from "./steps";

/** What strikes: the sandbox's faults, and a terraform that is killed after the cloud has changed. */
export const KINDS = ["429", "500", "timeout", "reset", "crash", "killed"] as const;
export type Kind = (typeof KINDS)[number];

/** More often than any step is tried. */
const ALWAYS = 99;
/** More deploys would mean that something never goes on. */
const MOST_DEPLOYS = 20;

/** What became of the steps of one sequence of deploys. */
export interface Struck {
  readonly steps: readonly Step[];
  /** Messages that don't have what they should have. */
  readonly wrong: readonly string[];
}

/**
 * Deploys again and again, and strikes each step once: all those that a deploy reaches fail in it, the next deploy gets further. Ends
 * when every step has been struck and a deploy has gone through. The first deploy is of all stacks, those that follow are of one
 * kind of stack after the other, which saves the plans of what can't be reached yet.
 */
export async function strikeAll(
  project: SandboxProject,
  workspace: Workspace,
  kind: Kind,
  steps: readonly Step[],
): Promise<Struck> {
  const wrong: string[] = [];
  const pending = new Set(steps);
  const all = groups(steps);
  const strike = async (stacks: readonly string[]): Promise<Deployed> => {
    const entries = all.filter((entry) =>
      entry.some((step) => pending.has(step) && (stacks.length === 0 || stacks.includes(step.stack))),
    );
    writeFaults(project, kind, entries);
    const deploy = () => deployIn(workspace, [...stacks]);
    const result = kind === "killed" ? await withKills(project, entries, deploy) : await deploy();
    const struck = strikesIn(project, kind, entries, result, wrong);
    for (const step of struck) pending.delete(step);
    if (struck.length > 0 && result.exitCode !== 1)
      wrong.push(
        `struck at ${struck.map(pointOf).join(", ")} and exit code ${result.exitCode}\n${result.text}`,
      );
    if (struck.length === 0 && result.exitCode !== 0)
      wrong.push(`failed though nothing was struck:\n${result.text}`);
    return result;
  };
  await strike([]);
  for (const suffix of STACK_KINDS) {
    const stacks = [...new Set(steps.map(({ stack }) => stack))].filter((stack) => stack.endsWith(suffix));
    for (let deploys = 1; wrong.length === 0 && (await strike(stacks)).exitCode !== 0; deploys++)
      if (deploys === MOST_DEPLOYS) wrong.push(`${suffix}: not through after ${deploys} deploys`);
  }
  if (pending.size > 0) wrong.push(`never struck: ${[...pending].map(pointOf).join(", ")}`);
  return { steps: steps.filter((step) => !pending.has(step)), wrong };
}

/**
 * Runs a command once with faults at steps.
 * @returns what it came to, and the steps that were struck
 */
export async function strikeOnce(
  project: SandboxProject,
  kind: Kind,
  steps: readonly Step[],
  command: () => Promise<Deployed>,
): Promise<{ result: Deployed; struck: readonly Step[] }> {
  const entries = groups(steps);
  writeFaults(project, kind, entries);
  const result = kind === "killed" ? await withKills(project, entries, command) : await command();
  return { result, struck: consumed(project, entries).flat() };
}

const timesOf = (entry: readonly Step[]): number => (entry.length === 1 ? 1 : ALWAYS);

function writeFaults(project: SandboxProject, kind: Kind, entries: readonly Step[][]): void {
  const faults = entries.map((entry) => {
    const { provider, type, operation, name } = entry[0] as Step;
    const fault = kind === "killed" ? "stall" : kind;
    return {
      provider,
      type,
      operation,
      ...(name === undefined ? {} : { name }),
      fault,
      times: timesOf(entry),
    };
  });
  mkdirSync(join(project.directory, "clouds"), { recursive: true });
  project.write(["clouds", "faults.json"], JSON.stringify(faults));
}

function consumed(project: SandboxProject, entries: readonly Step[][]): Step[][] {
  const left = project.json("clouds", "faults.json") as Array<{ times: number }>;
  return entries.filter((entry, index) => (left[index]?.times ?? 0) < timesOf(entry));
}

/** Whether a failure at a step can be told with its resource: terraform doesn't say what it was planning when it lost a provider. */
const isTold = (kind: Kind, { operation }: Step): boolean =>
  operation !== "plan" || !["reset", "crash", "killed"].includes(kind);

const ADVICE = /deploy again|the next deploy/;

/** The steps that a deploy was struck at, by what is left of the faults and by what the deploy says. */
function strikesIn(
  project: SandboxProject,
  kind: Kind,
  entries: readonly Step[][],
  { stacks, text }: Deployed,
  wrong: string[],
): Step[] {
  const messageOf = (stack: string): string => stacks.find(({ name }) => name === stack)?.message ?? "";
  return consumed(project, entries).flatMap((entry) => {
    const named = entry.filter((step) => {
      const message = messageOf(step.stack);
      const addresses = [step.address, `${step.address}-replaced`];
      return isTold(kind, step) ? addresses.some((address) => hasWord(message, address)) : message !== "";
    });
    if (named.length === 0) wrong.push(`${kind} at ${entry.map(pointOf).join(" or ")} is not told:\n${text}`);
    for (const { stack } of named)
      if (!ADVICE.test(messageOf(stack))) wrong.push(`${stack}: no advice in ${messageOf(stack)}`);
    return named.length === 0 ? [...entry] : named;
  });
}

const hasWord = (text: string, word: string): boolean =>
  text.split(/[\s:,]+/).some((one) => one.replace(/\.$/, "") === word);

// The module itself: an import of everything in it would be a copy.
const childProcess: typeof ChildProcesses = require("node:child_process");

const LOOKED_AT_EVERY_MS = 20;
const STALLED_FOR_CERTAIN_MS = 10_000;
/** So long terraform may still write down what it knows. */
const BEFORE_THE_KILL_MS = 60;

/** Kills each terraform that a fault has stalled, as soon as it stalls. */
async function withKills(
  project: SandboxProject,
  entries: readonly Step[][],
  deploy: () => Promise<Deployed>,
): Promise<Deployed> {
  const running = new Map<ChildProcesses.ChildProcess, { stack: string; begun: number }>();
  // Nothing is played: it is only seen which processes there are.
  const spawn = childProcess.spawn;
  const spy = jest.spyOn(childProcess, "spawn").mockImplementation(((...args: Parameters<typeof spawn>) => {
    const child = spawn(...args);
    const { cwd } = (args[2] ?? {}) as { cwd?: string };
    if (args[0] === "terraform" && cwd?.startsWith(project.directory))
      running.set(child, { stack: basename(cwd), begun: Date.now() });
    child.once("close", () => running.delete(child));
    return child;
  }) as never);
  let known = -1;
  let since = Date.now();
  const watch = setInterval(() => {
    const stalled = consumed(project, entries);
    const left = project.json("clouds", "faults.json") as Array<{ times: number }>;
    const total = left.reduce((sum, { times }) => sum + times, 0);
    if (total !== known) [known, since] = [total, Date.now()];
    const waited = Date.now() - since;
    if (stalled.length === 0 || waited < BEFORE_THE_KILL_MS) return;
    const stacks = new Set(stalled.flat().map(({ stack }) => stack));
    // What was begun after the last fault goes on, unless it is stalled by it all the same.
    for (const [child, { stack, begun }] of running)
      if ((stacks.has(stack) && begun < since) || Date.now() - begun > STALLED_FOR_CERTAIN_MS)
        child.kill("SIGKILL");
  }, LOOKED_AT_EVERY_MS);
  try {
    return await deploy();
  } finally {
    clearInterval(watch);
    spy.mockRestore();
  }
}
