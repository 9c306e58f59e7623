import { clusterName, type Project } from "../config";
import type { Workspace } from "../workspace";
import { type DangerKind, type Finding, isProduction } from "./dangers";

/** What somebody means to do although it is dangerous. */
export interface Permission {
  readonly allow: readonly DangerKind[];
  /** Names of production clusters that were given on the command line, where nobody can be asked to type them. */
  readonly confirmed: readonly string[];
}

/** Findings that stand against a deploy with a permission. */
export function refusedBy(findings: readonly Finding[], { allow }: Pick<Permission, "allow">): Finding[] {
  return findings.filter(({ kind }) => !allow.includes(kind));
}

/** Clusters of production that allowed findings are about: their names, as they are in the cloud, have to be typed, besides. */
export function namesToType(
  findings: readonly Finding[],
  project: Project,
  { allow, confirmed }: Permission,
): string[] {
  const names = findings
    .filter(({ kind, environment }) => allow.includes(kind) && isProduction(project, environment))
    .map(
      ({ environment }) =>
        findings.find((one) => one.environment === environment && one.cluster)?.cluster ??
        clusterName(project.name, environment),
    );
  return [...new Set(names)].filter((name) => !confirmed.includes(name));
}

/** Findings in words: the field, what would happen, what it leads to, and the way that is safe. */
export function explainFindings(findings: readonly Finding[]): string[] {
  return findings.map(({ kind, field, problem, consequence, remedy, allowed }) =>
    [
      `${field}: ${problem} [${kind}]`,
      `    ${consequence}`,
      `    Instead: ${remedy}`,
      ...(allowed === undefined ? [] : [`    Allowed, ${allowed}`]),
    ].join("\n"),
  );
}

/** The options of a deploy that lets findings through, for those who mean it. */
export function explainPermission(
  findings: readonly Finding[],
  { project, npmRun }: Pick<Workspace, "project" | "npmRun">,
): string {
  const allow = [...new Set(findings.map(({ kind }) => kind))];
  const names = namesToType(findings, project, { allow, confirmed: [] });
  const command = npmRun("deploy", ...allow.flatMap((kind) => ["--allow", kind]));
  const typed =
    names.length > 0
      ? `\nIn production the name of the cluster has to be typed, too (without a terminal: ${names.map((name) => `--confirm ${name}`).join(" ")}).`
      : "";
  return `If you mean it: ${command}${typed}`;
}
