import {
  APPLICATIONS,
  PLACEHOLDER_CLUSTER,
  PLACEHOLDER_DOMAIN,
  PLACEHOLDER_PROJECT,
  PLACEHOLDER_REGISTRY,
  PLACEHOLDER_REPOSITORY,
  type Project,
} from "../config";
import { clusterName, defaultDomain, PRODUCTION } from "../config/derive";

/** A name in the files under flux/ and what it becomes. */
export interface Replacement {
  readonly placeholder: string;
  readonly value: string;
  /** What the name stands for, for people. */
  readonly meaning: string;
}

/** The label of the host by which GitHub tells Flux of a push. */
export const FLUX_HOST = "flux";

/** Environments that the tree in flux/ has, whether or not the configuration has them. */
const TREE_ENVIRONMENTS = ["staging", PRODUCTION] as const;

/**
 * Every placeholder of the files under flux/ with its value for a project, longest first, so that
 * `chat.staging.example.com` is found before `staging.example.com`. Production owns the bare names
 * (`chat.example.com`, `my-cluster`), every other environment names of its own (`my-cluster-staging`).
 */
export function replacementsFor(project: Project): Replacement[] {
  const environments = [...new Set([...TREE_ENVIRONMENTS, ...project.environments.map(({ name }) => name)])];
  const replacements = [
    { placeholder: `admin@${PLACEHOLDER_DOMAIN}`, value: project.email, meaning: "e-mail address" },
    { placeholder: PLACEHOLDER_DOMAIN, value: project.domain, meaning: "the project's domain" },
    { placeholder: PLACEHOLDER_PROJECT, value: project.name, meaning: "the project's name" },
    {
      placeholder: PLACEHOLDER_REGISTRY,
      value: project.registry,
      meaning: "the registry of your own images",
    },
    {
      placeholder: PLACEHOLDER_REPOSITORY,
      value: project.github ? `${project.github.owner}/${project.github.repository}` : PLACEHOLDER_REPOSITORY,
      meaning: "the GitHub repository",
    },
    ...environments.flatMap((name) => environmentReplacements(project, name)),
  ];
  const unique = new Map(replacements.map((replacement) => [replacement.placeholder, replacement]));
  return [...unique.values()].sort(
    (a, b) => b.placeholder.length - a.placeholder.length || a.placeholder.localeCompare(b.placeholder),
  );
}

/** Hosts in front of each environment's domain: those of the applications, and the one that GitHub calls. */
function hostLabels(): Array<{ readonly label: string; readonly owner: string }> {
  return [
    { label: FLUX_HOST, owner: "Flux's receiver of pushes" },
    ...Object.entries(APPLICATIONS).flatMap(([owner, { hosts }]) => hosts.map((label) => ({ label, owner }))),
  ];
}

function environmentReplacements(project: Project, name: string): Replacement[] {
  const environment = project.environments.find((candidate) => candidate.name === name);
  const domain = environment?.domain ?? defaultDomain(project.domain, name);
  const placeholderDomain = defaultDomain(PLACEHOLDER_DOMAIN, name);
  const placeholderCluster = name === PRODUCTION ? PLACEHOLDER_CLUSTER : `${PLACEHOLDER_CLUSTER}-${name}`;
  return [
    {
      placeholder: placeholderCluster,
      value: clusterName(project.name, name),
      meaning: `cluster of ${name}`,
    },
    // The project's domain stands for the bare placeholder; production's own hosts are listed one by one below.
    ...(name === PRODUCTION
      ? []
      : [{ placeholder: placeholderDomain, value: domain, meaning: `domain of ${name}` }]),
    ...hostLabels().map(({ label, owner }) => ({
      placeholder: `${label}.${placeholderDomain}`,
      value: `${label}.${domain}`,
      meaning: `host of ${owner} in ${name}`,
    })),
  ];
}
