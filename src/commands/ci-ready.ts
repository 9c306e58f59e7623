import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { CONFIGURATION_FILE, loadProject, type Project } from "../config";
import { publishedFile, readPublished } from "../secrets/published";
import { actionsSecretName, PLANNED_WITH } from "../secrets/tokens";
import { Output } from "../terminal/output";
import { REPOSITORY } from "../workspace";
import { type CommonOptions, command } from "./options";

/** What CI has to know before it plans or deploys. */
export interface CiReadiness {
  /** Whether pull requests can be planned. */
  readonly ready: boolean;
  /** Whether CI can deploy, too: its tokens are secrets of GitHub environments, which not every repository has. */
  readonly deploys: boolean;
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
  const common = project
    ? obstacle(project, directory)
    : `${CONFIGURATION_FILE} is not in the repository: commit it (it holds no secret)`;
  const noPlan = common ?? (project && planObstacle(project, directory));
  const noDeploy = common ?? (project && deployObstacle(project, directory));
  const reasons = [...new Set([noPlan, noDeploy].filter((reason) => reason !== undefined))];
  const environments = project?.environments ?? [];
  const names = environments.map(({ name }) => name);
  return {
    ready: noPlan === undefined,
    deploys: noDeploy === undefined,
    reason: reasons.join("; ") || "the state is shared, and the secrets are sealed",
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

/** Pull requests are planned with tokens of their own, which may only read. */
function planObstacle(project: Project, directory: string): string | undefined {
  const missing = project.environments.flatMap(({ name }) => {
    const sealed = readPublished(directory, name)?.secrets ?? {};
    const names = Object.keys(PLANNED_WITH).map((variable) => actionsSecretName(name, variable));
    return names.filter((secret) => !(secret in sealed));
  });
  if (missing.length === 0) return undefined;
  return `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not sealed, so pull requests can't be planned: make tokens that may only read (docs/credentials.md), put them into .env as ${Object.keys(PLANNED_WITH).join(", ")}, deploy from your machine and commit secrets/`;
}

/** Deploy tokens are nowhere but in the GitHub environments. */
function deployObstacle(project: Project, directory: string): string | undefined {
  const published = project.environments.map(({ name }) => ({
    name,
    secrets: readPublished(directory, name),
  }));
  const none = published.filter(({ secrets }) => secrets?.offer?.environments === false);
  if (none.length > 0)
    return `GitHub offers this repository no environments, since it is private on the plan Free: CI has no tokens to deploy with. Deploy from a machine, make the repository public, or change the plan and deploy once from your machine`;
  const waiting = published.filter(({ secrets }) => secrets?.environment === undefined);
  if (waiting.length === 0) return undefined;
  return `${waiting.map(({ name }) => `secrets/${name}.json`).join(", ")} ${waiting.length === 1 ? "has" : "have"} no deploy tokens for the GitHub environment: deploy once from your machine and commit it`;
}

export function ciReadyCommand(): Command {
  return command("ci-ready", "Tell whether CI can plan and deploy; sets the outputs of a step on GitHub", [
    "json",
  ]).action((options: CommonOptions) => {
    const output = new Output(options.json ?? false);
    const readiness = ciReadiness(REPOSITORY);
    output.line(`${abilities(readiness)}: ${readiness.reason}.`);
    output.result(readiness);
    tellGitHub(readiness);
  });
}

function abilities({ ready, deploys }: CiReadiness): string {
  if (ready && deploys) return "CI can plan and deploy";
  if (ready) return "CI can plan, and can't deploy";
  return deploys ? "CI can deploy, and can't plan" : "CI can't plan and deploy";
}

function tellGitHub(readiness: CiReadiness): void {
  const { ready, deploys, reason, environments, beforeProduction, production, prefixes } = readiness;
  const { GITHUB_OUTPUT, GITHUB_STEP_SUMMARY, GITHUB_ACTIONS } = process.env;
  if (GITHUB_OUTPUT) {
    const outputs = { environments, "before-production": beforeProduction, production, prefixes };
    const lines = [
      `ready=${ready}`,
      `deploys=${deploys}`,
      `reason=${reason}`,
      ...Object.entries(outputs).map(([name, value]) => `${name}=${JSON.stringify(value)}`),
    ];
    appendFileSync(GITHUB_OUTPUT, `${lines.join("\n")}\n`);
  }
  if (ready && deploys) return;
  const title = abilities(readiness);
  if (GITHUB_STEP_SUMMARY) appendFileSync(GITHUB_STEP_SUMMARY, `${title}: ${reason}.\n`);
  if (GITHUB_ACTIONS) process.stdout.write(`::warning title=${title}::${reason}\n`);
}
