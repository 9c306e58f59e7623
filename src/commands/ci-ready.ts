import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { CONFIGURATION_FILE, loadProject, type Project } from "../config";
import { actionsSecretName } from "../secrets/publish";
import { publishedFile } from "../secrets/published";
import { Output } from "../terminal/output";
import { REPOSITORY } from "../workspace";
import { type CommonOptions, command } from "./options";

/** What CI has to know before it plans or deploys. */
export interface CiReadiness {
  readonly ready: boolean;
  readonly reason: string;
  /** Names of environments; production comes last and waits for an approval. */
  readonly environments: readonly string[];
  readonly beforeProduction: readonly string[];
  readonly production: readonly string[];
  /** By environment, what the names of its Actions secrets begin with. */
  readonly prefixes: Readonly<Record<string, string>>;
}

/**
 * Whether CI can plan and deploy. It needs a state that it shares with everyone, a GitHub repository that was set up, and
 * the first deploy from somebody's machine behind it, which seals the secrets. It is asked in a job without secrets.
 */
export function ciReadiness(directory: string): CiReadiness {
  const file = join(directory, CONFIGURATION_FILE);
  const project = existsSync(file) ? loadProject(file) : undefined;
  const reason = project
    ? obstacle(project, directory)
    : `${CONFIGURATION_FILE} is not in the repository: commit it (it holds no secret)`;
  const environments = project?.environments ?? [];
  const names = environments.map(({ name }) => name);
  return {
    ready: reason === undefined,
    reason: reason ?? "the state is shared, and the secrets are sealed",
    environments: names,
    beforeProduction: environments.filter(({ production }) => !production).map(({ name }) => name),
    production: environments.filter(({ production }) => production).map(({ name }) => name),
    prefixes: Object.fromEntries(names.map((name) => [name, actionsSecretName(name, "").replace(/_$/, "")])),
  };
}

function obstacle(project: Project, directory: string): string | undefined {
  if (!project.github)
    return `"github" is not in ${CONFIGURATION_FILE}: the repository's environments and secrets are not set up`;
  if (project.state.backend === "local") {
    return 'state.backend is "local": the state is on somebody\'s machine, so CI can\'t know what is deployed. A Spaces bucket shares it ("backend": "spaces")';
  }
  const unsealed = project.environments.filter(({ name }) => !existsSync(publishedFile(directory, name)));
  if (unsealed.length === 0) return undefined;
  return `${unsealed.map(({ name }) => `secrets/${name}.json`).join(", ")} is missing: deploy once from your machine and commit it`;
}

export function ciReadyCommand(): Command {
  return command("ci-ready", "Tell whether CI can plan and deploy; sets the outputs of a step on GitHub", [
    "json",
  ]).action((options: CommonOptions) => {
    const output = new Output(options.json ?? false);
    const readiness = ciReadiness(REPOSITORY);
    output.line(
      readiness.ready
        ? `CI can plan and deploy: ${readiness.reason}.`
        : `CI can't plan and deploy: ${readiness.reason}.`,
    );
    output.result(readiness);
    tellGitHub(readiness);
  });
}

function tellGitHub({
  ready,
  reason,
  environments,
  beforeProduction,
  production,
  prefixes,
}: CiReadiness): void {
  const { GITHUB_OUTPUT, GITHUB_STEP_SUMMARY, GITHUB_ACTIONS } = process.env;
  if (GITHUB_OUTPUT) {
    const outputs = { environments, "before-production": beforeProduction, production, prefixes };
    const lines = [
      `ready=${ready}`,
      `reason=${reason}`,
      ...Object.entries(outputs).map(([name, value]) => `${name}=${JSON.stringify(value)}`),
    ];
    appendFileSync(GITHUB_OUTPUT, `${lines.join("\n")}\n`);
  }
  if (ready) return;
  if (GITHUB_STEP_SUMMARY) appendFileSync(GITHUB_STEP_SUMMARY, `CI can't plan and deploy: ${reason}.\n`);
  if (GITHUB_ACTIONS) process.stdout.write(`::warning title=CI can't plan and deploy::${reason}\n`);
}
