import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { CONFIGURATION_FILE, loadProject, type Project } from "../config";
import { Output } from "../terminal/output";
import type { Variables } from "../terraform";
import { missingCredentials, REPOSITORY } from "../workspace";
import { type CommonOptions, command } from "./options";

/** Whether CI can plan and deploy: it needs a state that it shares with everyone, and the credentials. */
export function ciReadiness(project: Project, variables: Variables): { ready: boolean; reason: string } {
  if (project.state.backend === "local") {
    return {
      ready: false,
      reason:
        'state.backend is "local": the state is on somebody\'s laptop, so CI can\'t know what is deployed. Move it to a Spaces bucket (state.backend "spaces").',
    };
  }
  const missing = missingCredentials(project, variables);
  if (missing.length > 0) return { ready: false, reason: missing.join("; ") };
  return { ready: true, reason: "the state is shared and the credentials are there" };
}

export function ciReadyCommand(): Command {
  return command(
    "ci-ready",
    "Tell whether CI can plan and deploy; sets the step outputs ready and reason on GitHub",
    ["json"],
  ).action((options: CommonOptions) => {
    const output = new Output(options.json ?? false);
    const { ready, reason } = ciReadiness(loadProject(join(REPOSITORY, CONFIGURATION_FILE)), process.env);
    output.line(ready ? `CI can plan and deploy: ${reason}.` : `CI can't plan and deploy: ${reason}`);
    output.result({ ready, reason });
    const file = process.env.GITHUB_OUTPUT;
    if (file) appendFileSync(file, `ready=${ready}\nreason=${reason.replaceAll("\n", " ")}\n`);
  });
}
