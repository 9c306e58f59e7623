import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { LONGEST_COMMENT, planComment } from "../terminal/plan-comment";
import { planReport } from "../terminal/plan-report";
import { command } from "./options";

interface CommentOptions {
  readonly reports: string;
  readonly environments: string;
  readonly output: string;
}

/**
 * The comment on a pull request from the reports that `npm run diff -- --report <file>` has written: one for all environments, within
 * what GitHub takes.
 * @param directory has `plan-<environment>/plan.json`, as GitHub's artifacts are downloaded
 */
export function commentOf(
  directory: string,
  environments: readonly string[],
  { run, commit }: { readonly run: string; readonly commit: string },
): string {
  const reported = environments.map((name) => {
    const file = join(directory, `plan-${name}`, "plan.json");
    return existsSync(file)
      ? { name, report: planReport.parse(JSON.parse(readFileSync(file, "utf8"))) }
      : { name };
  });
  const footer = `Plans of ${commit}; as the plain CLI prints them: [artifacts](${run}#artifacts).\n`;
  const room = LONGEST_COMMENT - footer.length - 1;
  return `${planComment(reported, `[the run](${run})`, room)}\n${footer}`;
}

export function ciCommentCommand(): Command {
  return command("ci-comment", "Write the comment on a pull request from the plans of all environments", [])
    .requiredOption("--reports <directory>", "where the plans' artifacts are: plan-<environment>/plan.json")
    .requiredOption(
      "--environments <list>",
      "the names of the environments as a JSON list, in the comment's order",
    )
    .requiredOption("--output <file>", "the comment, as Markdown")
    .action(({ reports, environments, output }: CommentOptions) => {
      const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID, PLANNED_COMMIT } = process.env;
      const run = `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;
      const names = JSON.parse(environments) as string[];
      writeFileSync(output, commentOf(reports, names, { run, commit: PLANNED_COMMIT ?? "this branch" }));
    });
}
