import { join, relative } from "node:path";
import type { Command } from "commander";
import { CONFIGURATION_FILE, ConfigurationError, loadProject } from "../config";
import { Output } from "../terminal/output";
import { REPOSITORY, sandboxDirectory, usedConfiguration } from "../workspace";
import { type CommonOptions, command, sandboxName } from "./options";

export function checkConfigCommand(): Command {
  return command("check-config", "Check infrastructure.config.json and report every problem at once", [
    "sandbox",
    "json",
  ])
    .argument("[file]", "another file to check")
    .action((given: string | undefined, options: CommonOptions) => {
      const output = new Output(options.json ?? false);
      const sandbox = sandboxName(options);
      if (given !== undefined && sandbox !== undefined)
        throw new Error(`${given} and --sandbox ${sandbox} name a configuration each: leave one of them out`);
      try {
        const { file, name } = chosen(given, sandbox);
        const project = loadProject(file, { name });
        const which = sandbox === undefined ? "" : ` of sandbox ${sandbox} (${name})`;
        output.line(
          `The configuration${which} is fine: ${project.name}, ${project.environments.map(({ name }) => name).join(" and ")}.`,
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

/** The file to check, and what messages call it; without a name its own. */
function chosen(
  given: string | undefined,
  sandbox: string | undefined,
): { readonly file: string; readonly name?: string } {
  if (sandbox === undefined) return { file: given ?? join(REPOSITORY, CONFIGURATION_FILE) };
  const file = usedConfiguration(sandboxDirectory(sandbox, true));
  return { file, name: relative(REPOSITORY, file) };
}
