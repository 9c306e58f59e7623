import { basename, dirname, join } from "node:path";
import { CONFIGURATION_FILE, ConfigurationError, loadProject, type Project } from "./src/config";
import { replacementsFor } from "./src/flux";
import { readPublished } from "./src/secrets/published";
import { synthesize } from "./src/stacks/synthesize";
import { pendingFiles, renderReplacements } from "./src/static-configuration";

/**
 * The CDKTF app: infrastructure.config.json → cdktf.out. It reads the configuration, flux/ and secrets/ of the project
 * directory (the working directory, or HYBRID_GITOPS_DIRECTORY) and nothing else: no clock, no network, no credentials.
 */
const REPOSITORY = basename(__dirname) === "dist" ? dirname(__dirname) : __dirname;

function main(): void {
  const directory = process.env.HYBRID_GITOPS_DIRECTORY || process.cwd();
  const configured = loadProject(process.env.HYBRID_GITOPS_CONFIG || join(directory, CONFIGURATION_FILE));
  // A sandbox has no bucket: its state is always local.
  const isSandbox = process.env.HYBRID_GITOPS_STATE === "local";
  const project: Project = isSandbox ? { ...configured, state: { backend: "local" } } : configured;
  const replacements = replacementsFor(project);
  synthesize({
    project,
    staticConfiguration: {
      script: join(REPOSITORY, "src", "static-configuration", "configure.sh"),
      replacements: renderReplacements(replacements),
      pending: pendingFiles(directory, replacements).length > 0,
    },
    published: Object.fromEntries(
      project.environments.map(({ name }) => [name, project.github && readPublished(directory, name)]),
    ),
  });
}

try {
  main();
} catch (error) {
  console.error(error instanceof ConfigurationError ? error.message : error);
  process.exitCode = 1;
}
