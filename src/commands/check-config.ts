import { join } from "node:path";
import type { Command } from "commander";
import { CONFIGURATION_FILE, ConfigurationError, loadProject } from "../config";
import { Output } from "../terminal/output";
import { REPOSITORY } from "../workspace";
import { type CommonOptions, command } from "./options";

export function checkConfigCommand(): Command {
  return command("check-config", "Check infrastructure.config.json and report every problem at once", [
    "json",
  ])
    .argument("[file]", "another file to check")
    .action((file: string | undefined, options: CommonOptions) => {
      const output = new Output(options.json ?? false);
      try {
        const project = loadProject(file ?? join(REPOSITORY, CONFIGURATION_FILE));
        output.line(
          `The configuration is fine: ${project.name}, ${project.environments.map(({ name }) => name).join(" and ")}.`,
        );
        output.result({ valid: true, problems: [] });
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        output.problem(error.message);
        output.result({ valid: false, problems: error.problems });
        process.exitCode = 1;
      }
    });
}
