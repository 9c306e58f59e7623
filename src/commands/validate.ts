import { existsSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import {
  applicationsWithoutTree,
  CONFIGURATION_FILE,
  EXAMPLE_FILE,
  explainWithoutTree,
  loadProject,
  type Project,
} from "../config";
import { type Fix, FluxTree, fixTree, TreeValidator, type ValidationReport } from "../flux-tree";
import { addressed, shownPath } from "../place";
import { applicationSecrets } from "../secrets/applications";
import { Output } from "../terminal/output";
import { openWorkspace, REPOSITORY, type Workspace } from "../workspace";
import { errorReport } from "./error-report";
import { command, sandboxName } from "./options";
import { printReport } from "./validate-report";

interface ValidateOptions {
  readonly environment?: string[];
  readonly configuration?: string[];
  readonly sandbox?: string | boolean;
  readonly json?: boolean;
  readonly fix?: boolean;
  readonly strict?: boolean;
  readonly verbose?: boolean;
}

/** Nothing could be checked: a tool or the configuration is missing. Findings have the code 1. */
const CANNOT_RUN = 2;

export function validateCommand(): Command {
  return command("validate", "Check the Flux tree against its rules, without a cluster", ["sandbox", "json"])
    .option("--environment <name...>", "only these environments")
    .option("--configuration <file...>", `with these configurations instead of ${CONFIGURATION_FILE}`)
    .option("--fix", "first rewrite what the original documents write and Flux can't do")
    .option("--strict", "fail on what could not be checked, and on secrets that are not created yet")
    .option("--verbose", "also list the exceptions with their reasons, and what each system asks for")
    .action(async (options: ValidateOptions) => {
      const output = new Output(options.json ?? false);
      try {
        await validate(options, output);
      } catch (error) {
        output.problem((error as Error).message);
        process.exitCode = CANNOT_RUN;
        output.result({ exitCode: CANNOT_RUN, error: errorReport(error as Error) });
      }
    });
}

/** A configuration to check the tree with. */
interface Candidate {
  readonly name: string;
  readonly project: Project;
  /** The project's own configuration, not an example to try the tree with. */
  readonly own: boolean;
}

async function validate(options: ValidateOptions, output: Output): Promise<void> {
  const { directory, candidates, addressed, close } = await open(options);
  try {
    const tree = new FluxTree(directory, REPOSITORY);
    const fixes = options.fix ? fixTree(tree) : undefined;
    if (fixes) printFixes(output, fixes, directory);
    const validator = new TreeValidator(tree);
    const reports: Checked[] = [];
    for (const candidate of candidates) {
      refuseUnknownEnvironments(candidate, options.environment);
      if (candidates.length > 1) output.heading(candidate.name);
      const found = await validator.validate({
        project: candidate.project,
        environments: options.environment,
        declaredSecrets: applicationSecrets,
        progress: (environment, text) => output.progress(environment, text),
      });
      const unused = applicationsWithoutTree(candidate.project, directory).map((system) => ({
        rule: "applications",
        system,
        text: explainWithoutTree(system),
      }));
      const complete = { ...found, notes: [...found.notes, ...unused] };
      const report = addressed === undefined ? complete : withTexts(complete, addressed);
      printReport(output, report, { verbose: options.verbose ?? false });
      reports.push({ candidate, report });
    }
    output.result({
      passed: reports.every((one) => passed(one, options)),
      ...(fixes ? { fixes } : {}),
      configurations: reports.map(({ candidate, report }) => ({ configuration: candidate.name, ...report })),
    });
    if (!reports.every((one) => passed(one, options))) process.exitCode = 1;
  } finally {
    await close();
  }
}

interface Checked {
  readonly candidate: Candidate;
  readonly report: ValidationReport;
}

function passed({ candidate, report }: Checked, { strict = false }: ValidateOptions): boolean {
  const { findings, leftOut, notes } = report;
  const pending = candidate.own && notes.some((note) => note.pending);
  return findings.length === 0 && !(strict && (leftOut.length > 0 || pending));
}

interface Opened {
  readonly directory: string;
  readonly candidates: Candidate[];
  /** What the rules say, with the commands and the file of the sandbox in it. */
  readonly addressed?: (text: string) => string;
  close(): Promise<void>;
}

/** The tree and the configurations that the options mean. A checkout that was not configured yet is checked with the example. */
async function open(options: ValidateOptions): Promise<Opened> {
  const sandbox = sandboxName(options);
  const given = (tree: string): Candidate[] | undefined =>
    options.configuration?.map((file) => candidateOf(resolve(file), false, tree));
  if (sandbox !== undefined) {
    const workspace = await openWorkspace({
      command: "validate",
      sandbox,
      existing: true,
      online: false,
      readOnly: options.fix !== true,
    });
    const own = { name: workspace.configurationName, project: workspace.project, own: true };
    return {
      directory: workspace.directory,
      candidates: given(workspace.directory) ?? [own],
      addressed: addressedTo(workspace),
      close: () => workspace.close(),
    };
  }
  const configured = join(REPOSITORY, CONFIGURATION_FILE);
  const own = existsSync(configured)
    ? candidateOf(configured, true, REPOSITORY)
    : candidateOf(join(REPOSITORY, EXAMPLE_FILE), false, REPOSITORY);
  return { directory: REPOSITORY, candidates: given(REPOSITORY) ?? [own], close: async () => undefined };
}

/** Rules don't know where they are run: the commands and the files that they name are those of the checkout. */
function addressedTo({
  directory,
  configurationName,
}: Pick<Workspace, "directory" | "configurationName">): (text: string) => string {
  return (text) => addressed(directory, text).replaceAll(CONFIGURATION_FILE, configurationName);
}

function withTexts(report: ValidationReport, addressed: (text: string) => string): ValidationReport {
  return {
    ...report,
    findings: report.findings.map((finding) => ({
      ...finding,
      place: addressed(finding.place),
      problem: addressed(finding.problem),
      fix: addressed(finding.fix),
    })),
    exceptions: report.exceptions.map((one) => ({ ...one, place: addressed(one.place) })),
    leftOut: report.leftOut.map((one) => ({ ...one, why: addressed(one.why) })),
    notes: report.notes.map((note) => ({ ...note, text: addressed(note.text) })),
  };
}

function candidateOf(file: string, own: boolean, tree: string): Candidate {
  const name = relative(REPOSITORY, file);
  return { name: name.startsWith("..") ? basename(file) : name, project: loadProject(file, { tree }), own };
}

function refuseUnknownEnvironments({ name, project }: Candidate, wanted: readonly string[] = []): void {
  const known = project.environments.map((environment) => environment.name);
  const unknown = wanted.filter((environment) => !known.includes(environment));
  if (unknown.length === 0) return;
  throw new Error(
    `--environment ${unknown.join(", ")}: ${name} has no such environment, only ${known.join(", ")}`,
  );
}

function printFixes(
  output: Output,
  { changes, left }: { changes: readonly Fix[]; left: readonly Fix[] },
  directory: string,
): void {
  if (changes.length === 0) output.line("Nothing to rewrite.");
  for (const { place, text } of changes) output.line(`rewritten  ${shownPath(directory, place)}: ${text}`);
  for (const { place, text } of left) output.line(`by hand    ${shownPath(directory, place)}: ${text}`);
}
