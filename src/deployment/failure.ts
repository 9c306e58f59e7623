import { type Diagnostic, TerraformError } from "../terraform";
import { isTaken } from "./adoption/conflicts";

/** What terraform says of everything that it didn't begin after an interrupt. */
const HALTED = "execution halted";

/** A failed run of terraform, with what to do about some of its resources. */
export class ExplainedFailure extends Error {
  constructor(
    readonly failure: TerraformError,
    /** By address. */
    readonly advice: ReadonlyMap<string, string>,
  ) {
    super(failure.message);
    this.name = "ExplainedFailure";
  }
}

/** An error in words: terraform's diagnostics with the resource they are about, or the message. */
export function explain(error: Error): string {
  if (error instanceof ExplainedFailure) return explainFailure(error.failure, error.advice);
  return error instanceof TerraformError ? explainFailure(error, new Map()) : error.message;
}

function explainFailure(error: TerraformError, advice: ReadonlyMap<string, string>): string {
  const errors = error.diagnostics.filter(
    ({ severity, summary }) => severity === "error" && summary !== HALTED,
  );
  if (errors.length === 0) {
    const halted = error.diagnostics.some(({ summary }) => summary === HALTED);
    return `${error.message}\n${indent(error.output || (halted ? "stopped before the rest was begun" : "terraform printed nothing"))}`;
  }
  return [error.message, ...errors.map((diagnostic) => indent(describe(diagnostic, advice)))].join("\n");
}

/** terraform's own advice (edit the resource, -target) makes no sense to someone who edits one configuration file. */
const PROTECTED = "Instance cannot be destroyed";

const TAKEN =
  "It is in the cloud and not in the state, as after a run that was cut off: the next deploy takes it over, or says why not.";

function describe({ summary, detail, address }: Diagnostic, advice: ReadonlyMap<string, string>): string {
  if (summary === PROTECTED) {
    const resource = /Resource (\S+)/.exec(detail)?.[1] ?? address ?? "a resource";
    return [
      `${resource} is protected, and the changed configuration would destroy or replace it.`,
      "Take back what you changed last (a name, a domain, a region, a whole environment). docs/troubleshooting.md says how to change it for real.",
    ].join("\n");
  }
  const where = address ? `${address}: ` : "";
  const told = advice.get(address ?? "");
  return [
    `${where}${summary}`,
    ...(detail ? [indent(detail.trim())] : []),
    ...(told ? [told] : isTaken({ summary, detail }) ? [TAKEN] : []),
  ].join("\n");
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
