import { applicationSecrets } from "./applications";
import { PASSED_ON, PLANNED_WITH } from "./tokens";

/**
 * The names of all variables that the project knows to hold a secret: credentials that CI gets, under both names, and what people give for
 * applications. An environment's own have its name in front (`STAGING_SMTP_PASSWORD`).
 */
export function secretVariables(): string[] {
  const given = applicationSecrets.flatMap(({ values }) =>
    Object.values(values).flatMap((value) =>
      "variable" in value && !value.readable ? [value.variable] : [],
    ),
  );
  const tokens = [PASSED_ON, PLANNED_WITH].flatMap((names) => Object.entries(names).flat());
  return [...new Set([...tokens, ...given])];
}
