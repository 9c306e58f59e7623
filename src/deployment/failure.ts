import { type Diagnostic, TerraformError } from "../terraform";
import { explainLock, LOCKED } from "./lock-failure";

/** What terraform says of everything that it didn't begin after an interrupt. */
const HALTED = "execution halted";

/** An error in words: terraform's diagnostics with the resource they are about, or the message. */
export function explain(error: Error): string {
  if (!(error instanceof TerraformError)) return error.message;
  const errors = error.diagnostics.filter(
    ({ severity, summary }) => severity === "error" && summary !== HALTED,
  );
  if (errors.length === 0) {
    const halted = error.diagnostics.some(({ summary }) => summary === HALTED);
    return `${error.message}\n${indent(error.output || (halted ? "stopped before the rest was begun" : "terraform printed nothing"))}`;
  }
  return [error.message, ...errors.map((diagnostic) => indent(describe(diagnostic, error.stackName)))].join(
    "\n",
  );
}

/** terraform's own advice (edit the resource, -target) makes no sense to someone who edits one configuration file. */
const PROTECTED = "Instance cannot be destroyed";

function describe({ summary, detail, address }: Diagnostic, stack: string): string {
  if (summary === LOCKED) return explainLock(stack, detail);
  if (summary === PROTECTED) {
    const resource = /Resource (\S+)/.exec(detail)?.[1] ?? address ?? "a resource";
    return [
      `${resource} is protected, and the changed configuration would destroy or replace it.`,
      "Take back what you changed last (a name, a domain, a region, a whole environment). docs/troubleshooting.md says how to change it for real.",
    ].join("\n");
  }
  const where = address ? `${address}: ` : "";
  const exists = /already exists/.test(`${summary} ${detail}`);
  return [
    `${where}${summary}`,
    ...(detail ? [indent(detail.trim())] : []),
    ...(exists
      ? [
          "It is in the cloud and not in the state, as after a run that was cut off: docs/troubleshooting.md#it-already-exists says what to do.",
        ]
      : []),
  ].join("\n");
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
