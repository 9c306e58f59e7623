import type { Diagnostic, ResourceChange, StackPlan, TerraformError } from "../../terraform";

/**
 * Refusals to create what is there: DigitalOcean says 409 or 422, GitHub 303 (a deployment policy), 409 or 422, Kubernetes
 * `AlreadyExists` in words. 422 alone also stands for every invalid value, so that the words have to be there.
 */
const TAKEN = /\b(?:303|409)\b|already (?:exists|in use|taken)|is already|already_exists/i;

/** Whether a diagnostic says that something of the same name is there. */
export function isTaken({ summary, detail }: Pick<Diagnostic, "summary" | "detail">): boolean {
  return TAKEN.test(`${summary}\n${detail}`);
}

const REFUSED = /\b4(?!08|29)\d\d\b/;

/** Whether it is certain that nothing was made: the API has answered, and its answer was a no. */
export function isRefusal(diagnostic: Pick<Diagnostic, "summary" | "detail">): boolean {
  return isTaken(diagnostic) || REFUSED.test(diagnostic.summary);
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
