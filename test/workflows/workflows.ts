import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export const REPOSITORY = join(__dirname, "..", "..");

export interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly shell?: string;
  readonly with?: Readonly<Record<string, string | boolean>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Job {
  readonly needs?: string | readonly string[];
  readonly if?: string;
  readonly "runs-on": string;
  readonly "timeout-minutes"?: number;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string | { readonly name: string; readonly deployment?: boolean };
  readonly concurrency?: Concurrency;
  readonly strategy?: { readonly matrix: Readonly<Record<string, unknown>>; readonly "fail-fast"?: boolean };
  readonly env?: Readonly<Record<string, string>>;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

export interface Concurrency {
  readonly group: string;
  readonly "cancel-in-progress": boolean | string;
}

export interface Workflow {
  readonly name: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: Concurrency;
  readonly defaults?: { readonly run: { readonly shell: string } };
  readonly jobs: Readonly<Record<string, Job>>;
}

export interface SourceFile {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

function sources(folder: string): SourceFile[] {
  return readdirSync(join(REPOSITORY, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: file.slice(REPOSITORY.length + 1), text: readFileSync(file, "utf8") }));
}

/** Everything that GitHub runs: workflows and the actions of this repository. */
export const WORKFLOW_FILES = sources(".github/workflows");
export const ACTION_FILES = sources(".github/actions");

export const workflows: ReadonlyMap<string, Workflow> = new Map(
  WORKFLOW_FILES.map(({ path, text }) => [path.replace(/^.*\/|\.yaml$/g, ""), parse(text) as Workflow]),
);

export const compositeActions = ACTION_FILES.map(({ path, text }) => ({
  path,
  ...(parse(text) as { readonly inputs?: unknown; readonly runs: { readonly steps: readonly Step[] } }),
}));

export function workflow(name: string): Workflow {
  const found = workflows.get(name);
  if (!found) throw new Error(`no workflow ${name} in .github/workflows`);
  return found;
}

export function job(workflowName: string, name: string): Job {
  const found = workflow(workflowName).jobs[name];
  if (!found) throw new Error(`no job ${name} in ${workflowName}`);
  return found;
}

export const allJobs = [...workflows].flatMap(([name, { jobs }]) =>
  Object.entries(jobs).map(([id, definition]) => ({
    name: `${name}/${id}`,
    workflow: name,
    id,
    job: definition,
  })),
);

export const allSteps = [
  ...allJobs.flatMap(({ name, job: { steps } }) => steps.map((step) => ({ where: name, step }))),
  ...compositeActions.flatMap(({ path, runs: { steps } }) => steps.map((step) => ({ where: path, step }))),
];
