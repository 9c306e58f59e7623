/**
 * Environment variables whose values CI deploys with, if they are set here, and their names as secrets of the environment at GitHub:
 * only jobs that name the environment see them, and only the branch that Flux reads may use it.
 */
export const PASSED_ON = {
  DIGITALOCEAN_TOKEN: "DIGITALOCEAN_TOKEN",
  SPACES_ACCESS_KEY_ID: "SPACES_ACCESS_KEY_ID",
  SPACES_SECRET_ACCESS_KEY: "SPACES_SECRET_ACCESS_KEY",
  // GitHub refuses names that start with GITHUB_.
  GITHUB_TOKEN: "PLATFORM_GITHUB_TOKEN",
} as const;

/**
 * Environment variables whose values CI plans with, each the read-only counterpart of one above. They are secrets of the repository, with
 * the environment's name in front: the code of every pull request from a branch of the repository can read them.
 */
export const PLANNED_WITH = {
  PLAN_DIGITALOCEAN_TOKEN: "DIGITALOCEAN_TOKEN",
  PLAN_SPACES_ACCESS_KEY_ID: "SPACES_ACCESS_KEY_ID",
  PLAN_SPACES_SECRET_ACCESS_KEY: "SPACES_SECRET_ACCESS_KEY",
  PLAN_GITHUB_TOKEN: "GITHUB_TOKEN",
} as const;

/** A name with an environment in front: `staging` and `PLAN_DIGITALOCEAN_TOKEN` → `STAGING_PLAN_DIGITALOCEAN_TOKEN`. */
export function actionsSecretName(environment: string, name: string): string {
  return `${environment.toUpperCase().replaceAll("-", "_")}_${name}`;
}

/** The variable that an environment takes a value from: its own, before the general one. Undefined when neither has a value. */
export function variableFor(
  name: string,
  environment: string,
  variables: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return [actionsSecretName(environment, name), name].find((one) => variables[one]);
}

/** The value that an environment has of a variable. */
export function valueFor(
  name: string,
  environment: string,
  variables: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return variables[variableFor(name, environment, variables) ?? name];
}
