import { basename, dirname, join } from "node:path";
import { CONFIGURATION_FILE, ConfigurationError, loadProject, type Project } from "./src/config";
import { synthesize } from "./src/stacks/synthesize";
import { ProvidersGone, requireServedProviders } from "./src/workspace/served-providers";
import { readSynthesisInput } from "./src/workspace/synthesis-input";

/**
 * The CDKTF app: infrastructure.config.json → cdktf.out. It reads the configuration, .sops.yaml, flux/ and secrets/ of the
 * project directory (the working directory, or HYBRID_GITOPS_DIRECTORY) and nothing else: no clock, no network, no credentials.
 */
const REPOSITORY = basename(__dirname) === "dist" ? dirname(__dirname) : __dirname;

async function main(): Promise<void> {
  // The plain CLI runs this first. What is synthesized doesn't depend on it.
  await requireServedProviders(process.env);
  const directory = process.env.HYBRID_GITOPS_DIRECTORY || process.cwd();
  const configured = loadProject(process.env.HYBRID_GITOPS_CONFIG || join(directory, CONFIGURATION_FILE));
  // A sandbox has no bucket: its state is always local.
  const isSandbox = process.env.HYBRID_GITOPS_STATE === "local";
  const project: Project = isSandbox ? { ...configured, state: { backend: "local" } } : configured;
  synthesize(readSynthesisInput(REPOSITORY, directory, project));
}

main().catch((error: unknown) => {
  const isExpected = error instanceof ConfigurationError || error instanceof ProvidersGone;
  console.error(isExpected ? error.message : error);
  process.exitCode = 1;
});
