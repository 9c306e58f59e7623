import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SandboxProject } from "../../../support/sandbox-project";
import type { WatchedCommand } from "./watched-command";

const ENVIRONMENTS: readonly string[] = ["staging", "production"];

/** A type of resource that is stalled while it is made. */
interface Stalled {
  readonly type: string;
  /** So many of them each environment has. */
  readonly inEach: number;
  /** The environments that have any; default: all. */
  readonly environments?: readonly string[];
}

/** Where a deploy is struck. */
export interface Point {
  readonly name: string;
  /** For the table at the end of `npm run test:faults`. */
  readonly names: readonly string[];
  readonly stalled: readonly Stalled[];
  readonly isReached: (deploy: WatchedCommand, project: SandboxProject) => boolean;
}

const started = (name: string, isIt: (words: readonly string[]) => boolean): Point => ({
  name,
  names: [name],
  stalled: [],
  isReached: (deploy) => deploy.spawned().some(({ words }) => isIt(words)),
});

export const SYNTHESIZING = started("synthesizing", (words) => words.includes("app"));
export const PLANNING = started("planning", ([program, step]) => program === "terraform" && step === "plan");

/**
 * In the middle of creating resources of a stack, in both environments at once: the cloud has changed already, terraform doesn't know
 * yet, and the deploy has read what terraform is doing.
 */
export function creating(stack: string, ...types: ReadonlyArray<string | Stalled>): Point {
  const stalled = types.map((type) => (typeof type === "string" ? { type, inEach: 1 } : type));
  return {
    name: `${stack}: create ${stalled.map(({ type }) => type).join(", ")}`,
    names: ENVIRONMENTS.flatMap((environment) =>
      stalledIn(environment, stalled).map(({ type }) => `${environment}-${stack}: create ${type}`),
    ),
    stalled,
    isReached: (deploy, project) =>
      faultsOf(project).every(({ times }) => times === 0) &&
      ENVIRONMENTS.every((environment) =>
        isNoted(project, `${environment}-${stack}`, stalledIn(environment, stalled)),
      ) &&
      deploy.isQuiet(),
  };
}

const stalledIn = (environment: string, stalled: readonly Stalled[]): readonly Stalled[] =>
  stalled.filter(({ environments = ENVIRONMENTS }) => environments.includes(environment));

/** The sandbox makes objects in the process of the deploy, so quickly that it may have read nothing of it yet. */
function isNoted(project: SandboxProject, stack: string, stalled: readonly Stalled[]): boolean {
  if (stalled.length === 0) return true;
  const file = ["state", `${stack}.unfinished.json`];
  if (!project.exists(...file)) return false;
  const noted = project.json(...file) as ReadonlyArray<{ address: string }>;
  return stalled.every(
    ({ type, inEach }) => noted.filter(({ address }) => address.startsWith(`${type}.`)).length >= inEach,
  );
}

const faultsOf = (project: SandboxProject): ReadonlyArray<{ readonly times: number }> =>
  project.json("clouds", "faults.json");

/** Has the next deploy come to a point, and stand still at it where it can. */
export function prepare(project: SandboxProject, { stalled }: Point): void {
  // Synthesis is left out where its result is there.
  rmSync(join(project.directory, "cdktf.out", "synthesized-from"), { force: true });
  const faults = stalled.map(({ type, inEach, environments = ENVIRONMENTS }) => ({
    provider: type.replace(/_.*/, ""),
    type,
    operation: "create",
    fault: "stall",
    times: inEach * environments.length,
  }));
  writeFaults(project, faults);
}

/** Lets it go on. */
export function goOn(project: SandboxProject): void {
  writeFaults(project, []);
}

function writeFaults(project: SandboxProject, faults: readonly object[]): void {
  mkdirSync(join(project.directory, "clouds"), { recursive: true });
  project.write(["clouds", "faults.draft"], JSON.stringify(faults));
  // At once: the sandbox may be reading it.
  renameSync(
    join(project.directory, "clouds", "faults.draft"),
    join(project.directory, "clouds", "faults.json"),
  );
}
