import { applicationSecrets } from "./applications";
import { PASSED_ON } from "./publish";

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
  return [...new Set([...Object.keys(PASSED_ON), ...Object.values(PASSED_ON), ...given])];
}
