import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Project } from "../config";
import { environmentOf, readStacks, type SynthesizedStack } from "../terraform";
import { REPOSITORY, type Workspace } from "./workspace";

/**
 * Runs the CDKTF app in a process of its own and returns the stacks it wrote. What a former run wrote for stacks that are
 * no longer there goes; terraform's own files beside the others stay, so that they needn't be initialised again.
 * @throws Error with what the app printed
 */
export async function synthesizeStacks(workspace: Workspace): Promise<SynthesizedStack[]> {
  rmSync(join(workspace.outdir, "manifest.json"), { force: true });
  rmSync(join(workspace.outdir, "assumed"), { recursive: true, force: true });
  const app = spawn(process.execPath, [join(REPOSITORY, "dist", "main.js")], {
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
  return inReadingOrder(readStacks(workspace.outdir), workspace.project);
}

/** Environments as the configuration lists them, and within one what others build on first. */
function inReadingOrder(stacks: readonly SynthesizedStack[], project: Project): SynthesizedStack[] {
  const environments = project.environments.map(({ name }) => name);
  const rank = (stack: SynthesizedStack): number =>
    environments.indexOf(environmentOf(stack)) * stacks.length + stack.dependencies.length;
  return [...stacks].sort((a, b) => rank(a) - rank(b));
}
