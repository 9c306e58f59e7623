import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Project } from "../config";
import { REPOSITORY } from "../place";
import {
  environmentOf,
  readStackDocument,
  readStacks,
  type StackDocument,
  type SynthesizedStack,
  withTemporaryFolder,
} from "../terraform";
import { inputDigest, type ProposedSecrets, readSynthesisInput } from "./synthesis-input";
import type { Workspace } from "./workspace";

/** The CDKTF app, bundled. */
const PROGRAM = join(REPOSITORY, "dist", "main.js");
const LAUNCHER = join(REPOSITORY, "scripts", "hybrid-gitops.mjs");

/** Says what the stacks beside it were synthesized from, and what they were. */
const MARKER = "synthesized-from";

/**
 * Synthesizes a workspace's stacks. Synthesis is pure, so it is left out when its input is the last one and nobody has touched
 * its output. terraform's own files beside the stacks stay, so that they needn't be initialised again.
 * @param proposed sealed secrets that are planned before they are in secrets/
 * @throws Error with what the app printed
 */
export async function synthesizeStacks(
  workspace: Workspace,
  proposed: ProposedSecrets = {},
): Promise<SynthesizedStack[]> {
  const { outdir, project } = workspace;
  const input = inputOf(workspace, proposed);
  const marker = join(outdir, MARKER);
  if (!isCurrent(outdir, input)) {
    rmSync(join(outdir, "manifest.json"), { force: true });
    await runApp(workspace, proposed);
    writeFileSync(marker, `${input} ${outputDigest(outdir)}`);
  }
  return inReadingOrder(readStacks(outdir), project);
}

/** A stack as the configuration has it now. */
export interface DescribedStack extends SynthesizedStack {
  readonly document: StackDocument;
}

/**
 * The stacks as the configuration has them now, for a command that only looks: nothing is written in the workspace, where a
 * deploy may be at work. The directories are those in which terraform runs, whether they are there yet or not.
 * @throws Error with what the app printed
 */
export async function describeStacks(workspace: Workspace): Promise<DescribedStack[]> {
  const { outdir, project } = workspace;
  try {
    if (isCurrent(outdir, inputOf(workspace)))
      return withDocuments(inReadingOrder(readStacks(outdir), project));
  } catch {
    // A deploy that has just begun writes them again.
  }
  return withTemporaryFolder("synthesis", async (copy) => {
    await runApp({ ...workspace, outdir: copy });
    return withDocuments(inReadingOrder(readStacks(copy), project)).map((stack) => ({
      ...stack,
      directory: join(outdir, relative(copy, stack.directory)),
    }));
  });
}

function withDocuments(stacks: readonly SynthesizedStack[]): DescribedStack[] {
  return stacks.map((stack) => ({ ...stack, document: readStackDocument(stack) }));
}

function inputOf({ directory, project }: Workspace, proposed: ProposedSecrets = {}): string {
  return inputDigest(readSynthesisInput(REPOSITORY, directory, project, proposed), PROGRAM);
}

/** Whether what is in a directory was synthesized from this input, and nobody has touched it. */
function isCurrent(outdir: string, input: string): boolean {
  return readOr(join(outdir, MARKER)) === `${input} ${outputDigest(outdir)}`;
}

/** A digest of the manifest and every synthesized stack; empty when there is none. */
function outputDigest(outdir: string): string {
  try {
    const hash = createHash("sha256").update(readFileSync(join(outdir, "manifest.json")));
    for (const { directory } of readStacks(outdir)) hash.update(readFileSync(join(directory, "cdk.tf.json")));
    return hash.digest("hex");
  } catch {
    // Missing, cut off or edited: it is recreated.
    return "";
  }
}

function readOr(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

async function runApp(workspace: Workspace, proposed: ProposedSecrets = {}): Promise<void> {
  if (Object.keys(proposed).length === 0) return spawnApp(workspace, {});
  await withTemporaryFolder("proposed-secrets", async (folder) => {
    const file = join(folder, "proposed.json");
    writeFileSync(file, JSON.stringify(proposed));
    await spawnApp(workspace, { HYBRID_GITOPS_PROPOSED_SECRETS: file });
  });
}

async function spawnApp(workspace: Workspace, more: NodeJS.ProcessEnv): Promise<void> {
  const app = spawn(process.execPath, [LAUNCHER, "app"], {
    cwd: REPOSITORY,
    env: {
      ...workspace.variables,
      HYBRID_GITOPS_PROPOSED_SECRETS: undefined,
      ...more,
      HYBRID_GITOPS_DIRECTORY: workspace.directory,
      HYBRID_GITOPS_CONFIG: workspace.configurationFile,
      CDKTF_OUTDIR: workspace.outdir,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  app.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    app.once("error", reject);
    app.once("close", resolve);
  });
  if (code !== 0) throw new Error(`The stacks can't be synthesized.\n${errors.trim()}`);
}

/** Environments as the configuration lists them, and within one what others build on first. */
function inReadingOrder(stacks: readonly SynthesizedStack[], project: Project): SynthesizedStack[] {
  const environments = project.environments.map(({ name }) => name);
  const rank = (stack: SynthesizedStack): number =>
    environments.indexOf(environmentOf(stack)) * stacks.length + stack.dependencies.length;
  return [...stacks].sort((a, b) => rank(a) - rank(b));
}
