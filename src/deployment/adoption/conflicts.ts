import type { Diagnostic, ResourceChange, StackPlan, TerraformError } from "../../terraform";

/** The status of an API's answer as the Go clients of DigitalOcean and GitHub write it: `POST https://…: 422 …`. */
const ANSWER = /\b(?:GET|POST|PUT|PATCH|DELETE) \S+: ([1-5]\d\d)\b/;

function statusOf({ summary, detail }: Pick<Diagnostic, "summary" | "detail">): number | undefined {
  const status = ANSWER.exec(`${summary}\n${detail}`)?.[1];
  return status === undefined ? undefined : Number(status);
}

/** 422 also stands for every invalid value, and Kubernetes says no number: there the words have to be there. */
const TAKEN = /already (?:exists|in use|taken)|is already|already_exists/i;

/**
 * Whether a diagnostic says that something of the same name is there. DigitalOcean says 409 or 422, GitHub 303 (a deployment policy),
 * 409 or 422. It is a reason to look in the cloud, and no more: a provider that repeats a call may have made the thing itself.
 */
export function isTaken(diagnostic: Pick<Diagnostic, "summary" | "detail">): boolean {
  const status = statusOf(diagnostic);
  return status === 303 || status === 409 || TAKEN.test(`${diagnostic.summary}\n${diagnostic.detail}`);
}

/**
 * Whether the API's last answer was a no. Before it, an attempt without an answer may have made the thing all the same: that nothing
 * was made only the cloud knows.
 */
export function isRefusal(diagnostic: Pick<Diagnostic, "summary" | "detail">): boolean {
  const status = statusOf(diagnostic) ?? 0;
  return isTaken(diagnostic) || (status >= 400 && status < 500 && status !== 408 && status !== 429);
}

/** The errors of an apply, each with its resource as far as terraform names one. */
export function errorsOf({ diagnostics }: TerraformError): readonly Diagnostic[] {
  return diagnostics.filter(({ severity }) => severity === "error");
}

/** The changes of a plan that failed because what they create is there. */
export function conflictsOf(error: TerraformError, plan: StackPlan): ResourceChange[] {
  const taken = new Set(
    errorsOf(error)
      .filter(isTaken)
      .map(({ address }) => address),
  );
  return plan.changes.filter(
    ({ address, action, createFirst }) =>
      taken.has(address) && (action === "create" || (action === "replace" && createFirst)),
  );
}
