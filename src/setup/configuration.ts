import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CONFIGURATION_FILE, ConfigurationError, formatProblem, loadProject, type Project } from "../config";
import { exampleNames, foldersFix, missingFolders } from "../workspace";
import type { Facts, SetupContext } from "./context";

/** Reads the facts that a configuration states, however wrong the rest of it is. */
export function readFacts(directory: string): Facts {
  try {
    const text = readFileSync(join(directory, CONFIGURATION_FILE), "utf8").replace(/^\uFEFF/, "");
    const { state = { backend: "local" }, project, github } = JSON.parse(text);
    return {
      backend: name(state?.backend),
      domain: name(project?.domain),
      email: typeof project?.email === "string" ? project.email : undefined,
      github: Boolean(github),
      owner: name(github?.owner),
      repository: name(github?.repository),
    };
  } catch {
    return {};
  }
}

/** Values become parts of addresses and messages: what has other characters than a name's is left to the validation. */
function name(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Za-z0-9._-]+$/.test(value) ? value : undefined;
}

/** @returns the project; undefined when its configuration is not valid */
export function checkConfiguration({
  directory,
  facts,
  report,
}: Pick<SetupContext, "directory" | "facts" | "report">): Project | undefined {
  const project = validated(directory, report);
  for (const { check, problem, fix } of exampleNames(facts)) report.finding("missing", check, problem, fix);
  if (project !== undefined) checkFolders(directory, project, report);
  return project;
}

function checkFolders(directory: string, project: Project, report: SetupContext["report"]): void {
  const missing = missingFolders(directory, project);
  if (missing.length === 0)
    report.finding("ok", "environment-folders", "every environment has its folders below flux/");
  else
    report.finding(
      "missing",
      "environment-folders",
      `missing, so Flux would have nothing to deploy: ${missing.join(", ")}`,
      foldersFix(directory),
    );
}

function validated(directory: string, report: SetupContext["report"]): Project | undefined {
  try {
    const project = loadProject(join(directory, CONFIGURATION_FILE), { tree: directory });
    report.finding("ok", "configuration", `${CONFIGURATION_FILE} is valid`);
    return project;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    if (!existsSync(join(directory, CONFIGURATION_FILE)))
      report.finding("unchecked", "configuration", `${CONFIGURATION_FILE} is not checked: it is missing`);
    else
      report.finding(
        "missing",
        "configuration",
        error.problems.map(formatProblem).join("\n"),
        `correct ${CONFIGURATION_FILE}; npm run check-config checks it again`,
      );
    return undefined;
  }
}
