import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Project } from "../config";
import { replacementsFor } from "../flux";
import { type PublishedSecrets, readPublished } from "../secrets/published";
import { clusterRecipients } from "../secrets/sops-configuration";
import { pendingFiles, renderReplacements } from "../static-configuration";

/** The program that performs the static configuration, in the checkout of this one. */
const PROGRAM = ["dist", "configure.js"] as const;

/** By environment: published secrets that nobody has approved yet, so that they are in no file of the project. */
export type ProposedSecrets = Readonly<Record<string, PublishedSecrets>>;

/**
 * Everything that the synthesized stacks depend on, read from a project's directory: no clock, no network, no credentials.
 * @param repository the checkout of this program
 * @param proposed goes before what is in secrets/
 */
export function readSynthesisInput(
  repository: string,
  directory: string,
  project: Project,
  proposed: ProposedSecrets = {},
) {
  const replacements = replacementsFor(project);
  return {
    project,
    staticConfiguration: {
      program: join(repository, ...PROGRAM),
      replacements: renderReplacements(replacements),
      pending: pendingFiles(directory, replacements).length > 0,
    },
    published: Object.fromEntries(
      project.environments.map(({ name }) => [
        name,
        project.github && (proposed[name] ?? readPublished(directory, name)),
      ]),
    ),
    ageRecipients: Object.fromEntries(
      project.environments.map(({ name }) => [name, clusterRecipients(directory, name)]),
    ),
  };
}

/** A digest of the input and of the program that makes stacks of it: the same digest, the same stacks. */
export function inputDigest(input: ReturnType<typeof readSynthesisInput>, program: string): string {
  const { staticConfiguration, ...rest } = input;
  const { program: configure, ...configuration } = staticConfiguration;
  return createHash("sha256")
    .update(JSON.stringify([rest, configuration]))
    .update(readFileSync(configure))
    .update(readFileSync(program))
    .digest("hex");
}
