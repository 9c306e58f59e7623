import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { LONGEST_COMMENT, planComment } from "../terminal/plan-comment";
import { type PlanReport, planReport } from "../terminal/plan-report";
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
  const reported = environments.map((name) => ({ name, ...readReport(directory, `plan-${name}/plan.json`) }));
  const footer = `Plans of ${commit}; as the plain CLI prints them: [artifacts](${run}#artifacts).\n`;
  const room = LONGEST_COMMENT - footer.length - 1;
  return `${planComment(reported, `[the run](${run})`, room)}\n${footer}`;
}

/** One report that can't be read keeps the others from no comment. */
function readReport(
  directory: string,
  name: string,
): { readonly report?: PlanReport; readonly problem?: string } {
  const file = join(directory, name);
  if (!existsSync(file)) return {};
  try {
    const report = planReport.safeParse(JSON.parse(readFileSync(file, "utf8")));
    if (report.success) return { report: report.data };
    const [issue] = report.error.issues;
    return { problem: `${name} is not a report: ${issue?.path.join(".")}: ${issue?.message}` };
  } catch (error) {
    return { problem: `${name} can't be read: ${(error as Error).message}` };
  }
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
