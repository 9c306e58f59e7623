import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import type { Command } from "commander";
import {
  applicationsWithoutTree,
  CONFIGURATION_FILE,
  ConfigurationError,
  explainWithoutTree,
  loadProject,
  type Problem,
  type Project,
} from "../config";
import { addressed, listOf } from "../place";
import { Output } from "../terminal/output";
import {
  explainFolders,
  missingFolders,
  REPOSITORY,
  sandboxDirectory,
  usedConfiguration,
} from "../workspace";
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
        const { file, name, directory } = chosen(given, sandbox);
        const project = loadProject(file, { name });
        const missing = directory === undefined ? [] : missingBelow(directory, project);
        if (directory !== undefined && missing.length > 0) {
          output.problem(explainFolders(directory, missing));
          output.result({ valid: false, problems: missing.map((path) => folderProblem(path, project)) });
          process.exitCode = 1;
          return;
        }
        const which = sandbox === undefined ? "" : ` of sandbox ${sandbox} (${name})`;
        output.line(
          `The configuration${which} is fine: ${project.name}, with ${listOf(project.environments.map(({ name }) => name))}.`,
        );
        const unused = directory === undefined ? [] : applicationsWithoutTree(project, directory);
        const notes = unused.map((application) => `${application} ${explainWithoutTree(application)}`);
        for (const note of notes)
          output.problem(`Note: ${directory === undefined ? note : addressed(directory, note)}`);
        output.result({ valid: true, problems: [], ...(notes.length > 0 ? { notes } : {}) });
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        output.problem(error.message);
        output.result({ valid: false, problems: error.problems });
        process.exitCode = 1;
      }
    });
}

/** A sandbox gets what came to the checkout since with its next command. */
function missingBelow(directory: string, project: Project): string[] {
  return missingFolders(directory, project).filter((path) => !existsSync(join(REPOSITORY, path)));
}

/** A missing folder as `--json` shows it: what is wrong is in the tree, and asked for by the configuration. */
function folderProblem(path: string, { environments }: Project): Problem {
  const names = environments.map(({ name }) => name).join(", ");
  return {
    path,
    problem: "is missing, so Flux would have nothing to deploy",
    expected: `a folder for each environment of the configuration (${names}): docs/configuration.md#another-environment`,
  };
}

/** The file to check, what messages call it (without a name its own), and the directory whose flux/ it is for; another file has none. */
function chosen(
  given: string | undefined,
  sandbox: string | undefined,
): { readonly file: string; readonly name?: string; readonly directory?: string } {
  if (given !== undefined) return { file: given };
  if (sandbox === undefined) return { file: join(REPOSITORY, CONFIGURATION_FILE), directory: REPOSITORY };
  const directory = sandboxDirectory(sandbox, true);
  const file = usedConfiguration(directory);
  return { file, name: relative(REPOSITORY, file), directory };
}
