import type { Command } from "commander";
import { npmRunIn, shownPath } from "../place";
import { explainRefusal, restoreBackups } from "../static-configuration";
import { Output } from "../terminal/output";
import { REPOSITORY, sandboxDirectory } from "../workspace";
import { type CommonOptions, command, sandboxName } from "./options";

interface RestoreOptions extends CommonOptions {
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export function restoreCommand(): Command {
  return command(
    "restore",
    "Bring the files under flux/ back to what they were before the static configuration",
    ["sandbox", "json"],
  )
    .option("--force", "also where files were edited since: these edits are lost")
    .option("--yes", "as in other commands; this one asks nothing, and without --force no edit is lost")
    .option("--dry-run", "only say what would happen")
    .action((options: RestoreOptions) => {
      const output = new Output(options.json ?? false);
      const sandbox = sandboxName(options);
      const directory = sandbox === undefined ? REPOSITORY : sandboxDirectory(sandbox, true);
      const result = restoreBackups(directory, { force: options.force, dryRun: options.dryRun });
      const refused = result.refused.length > 0;
      process.exitCode = refused ? 1 : 0;
      if (refused) {
        output.problem(
          explainRefusal(
            result.refused,
            (path) => shownPath(directory, path),
            npmRunIn(directory, "restore", "--force"),
          ),
        );
      } else {
        const verb = options.dryRun ? "would be restored" : "restored";
        for (const path of result.restored) output.line(`${shownPath(directory, path)}  ${verb}`);
        for (const path of result.withoutOriginal)
          output.problem(
            `${shownPath(directory, path)}  has no original in ${shownPath(directory, "flux/.backups")} and stays as it is${sandbox === undefined ? ` (git log -- ${path} has it)` : ""}`,
          );
        output.line(
          result.restored.length > 0
            ? `${result.restored.length} files ${verb}.`
            : `Nothing to restore: no file differs from its original in ${shownPath(directory, "flux/.backups")}.`,
        );
      }
      output.result({ ...result, exitCode: process.exitCode });
    });
}
