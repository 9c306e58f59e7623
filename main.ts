import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CONFIGURATION_FILE, ConfigurationError, loadProject, type Project } from "./src/config";
import { synthesize } from "./src/stacks/synthesize";
import { ProviderLockError, useProviderLock } from "./src/terraform/provider-lock";
import { readStackDocument } from "./src/terraform/stack-document";
import { readStacks } from "./src/terraform/stacks";
import { ProvidersGone, requireServedProviders } from "./src/workspace/served-providers";
import { type ProposedSecrets, readSynthesisInput } from "./src/workspace/synthesis-input";

/**
 * The CDKTF app: infrastructure.config.json → cdktf.out. It reads the configuration, .sops.yaml, flux/ and secrets/ of the
 * project directory (the working directory, or HYBRID_GITOPS_DIRECTORY), the checksums in providers/ and nothing else: no clock, no network, no credentials.
 */
const REPOSITORY = basename(__dirname) === "dist" ? dirname(__dirname) : __dirname;

async function main(): Promise<void> {
  // The plain CLI runs this first. What is synthesized doesn't depend on it.
  await requireServedProviders(process.env);
  const directory = process.env.HYBRID_GITOPS_DIRECTORY || process.cwd();
  const configured = loadProject(process.env.HYBRID_GITOPS_CONFIG || join(directory, CONFIGURATION_FILE), {
    tree: directory,
  });
  // A sandbox has no bucket: its state is always local.
  const isSandbox = process.env.HYBRID_GITOPS_STATE === "local";
  const project: Project = isSandbox ? { ...configured, state: { backend: "local" } } : configured;
  // A command that plans what nobody has approved yet.
  const file = process.env.HYBRID_GITOPS_PROPOSED_SECRETS;
  const proposed = file ? (JSON.parse(readFileSync(file, "utf8")) as ProposedSecrets) : {};
  synthesize(readSynthesisInput(REPOSITORY, directory, project, proposed));
  // For the plain CLI, which runs terraform in these folders.
  for (const stack of readStacks(process.env.CDKTF_OUTDIR || "cdktf.out"))
    useProviderLock(stack.directory, readStackDocument(stack).terraform, process.env);
}

main().catch((error: unknown) => {
  const isExpected = [ConfigurationError, ProvidersGone, ProviderLockError].some(
    (kind) => error instanceof kind,
  );
  console.error(isExpected ? (error as Error).message : error);
  process.exitCode = 1;
});
