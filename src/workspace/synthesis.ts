import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Project } from "../config";
import { environmentOf, readStacks, type SynthesizedStack } from "../terraform";
import { inputDigest, readSynthesisInput } from "./synthesis-input";
import { REPOSITORY, type Workspace } from "./workspace";

/** The CDKTF app, bundled. */
const PROGRAM = join(REPOSITORY, "dist", "main.js");
const LAUNCHER = join(REPOSITORY, "scripts", "hybrid-gitops.mjs");

/** Says what the stacks beside it were synthesized from, and what they were. */
const MARKER = "synthesized-from";

/**
 * Synthesizes a workspace's stacks. Synthesis is pure, so it is left out when its input is the last one and nobody has touched
 * its output. terraform's own files beside the stacks stay, so that they needn't be initialised again.
 * @throws Error with what the app printed
 */
export async function synthesizeStacks(workspace: Workspace): Promise<SynthesizedStack[]> {
  const { outdir, directory, project } = workspace;
  const input = inputDigest(readSynthesisInput(REPOSITORY, directory, project), PROGRAM);
  const marker = join(outdir, MARKER);
  if (readOr(marker) !== `${input} ${outputDigest(outdir)}`) {
    rmSync(join(outdir, "manifest.json"), { force: true });
    await runApp(workspace);
    writeFileSync(marker, `${input} ${outputDigest(outdir)}`);
  }
  return inReadingOrder(readStacks(outdir), project);
}

/** A digest of the manifest and every synthesized stack; empty when there is none. */
function outputDigest(outdir: string): string {
  try {
    const hash = createHash("sha256").update(readFileSync(join(outdir, "manifest.json")));
    for (const { directory } of readStacks(outdir)) hash.update(readFileSync(join(directory, "cdk.tf.json")));
    return hash.digest("hex");
  } catch {
    // Missing, cut off or edited: it is made anew.
    return "";
  }
}

function readOr(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

async function runApp(workspace: Workspace): Promise<void> {
  const app = spawn(process.execPath, [LAUNCHER, "app"], {
    cwd: REPOSITORY,
    env: {
      ...workspace.variables,
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
