import path from "node:path";
import { type Environment, EXAMPLE_FILE, loadProject } from "../../src/config";
import { infrastructureVariables, replacementsFor } from "../../src/flux";
import { REPOSITORY } from "./tree";

/**
 * What the product offers the tree in flux/: the one place where these tests meet src/config and src/flux. Values are
 * those of the example configuration.
 */
const project = loadProject(path.join(REPOSITORY, EXAMPLE_FILE));

/** The environments that the template brings, which the example configuration has. */
export const ENVIRONMENTS = ["staging", "production"] as const;
export type EnvironmentName = (typeof ENVIRONMENTS)[number];

/** Names and values of the ConfigMap infrastructure-vars of an environment. */
export function producedVariables(name: EnvironmentName): Readonly<Record<string, string>> {
  return infrastructureVariables(exampleEnvironment(name));
}

/** Every placeholder that the static configuration replaces. */
export const PLACEHOLDERS: ReadonlySet<string> = new Set(
  replacementsFor(project).map(({ placeholder }) => placeholder),
);

export function exampleEnvironment(name: EnvironmentName): Environment {
  const found = project.environments.find((candidate) => candidate.name === name);
  if (!found)
    throw new Error(`${EXAMPLE_FILE} has no environment ${name}, which flux/clusters/${name} is for`);
  return found;
}
