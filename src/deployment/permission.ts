import { clusterName, type Project } from "../config";
import type { Workspace } from "../workspace";
import { type DangerKind, type Finding, isProduction } from "./dangers";

/** What somebody means to do although it is dangerous. */
export interface Permission {
  readonly allow: readonly DangerKind[];
  /** Names of production clusters that were given on the command line, where nobody can be asked to type them. */
  readonly confirmed: readonly string[];
}

/** Findings that stand against a deploy with a permission. A dead end of an environment that is left out fails nowhere else. */
export function refusedBy(findings: readonly Finding[], { allow }: Pick<Permission, "allow">): Finding[] {
  return findings.filter(({ kind, leftOut, deadEnd }) => !allow.includes(kind) || (leftOut && deadEnd));
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

/**
 * Findings in words: the field, what would happen, what it leads to, and the way that is safe. What several environments have in common
 * is said once.
 */
export function explainFindings(findings: readonly Finding[]): string[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const { kind, field, remedy, allowed, deadEnd } = finding;
    const common = JSON.stringify([kind, field, remedy, allowed, deadEnd]);
    groups.set(common, [...(groups.get(common) ?? []), finding]);
  }
  return [...groups.values()].map((group) => {
    const [{ remedy, allowed, deadEnd }] = group as [Finding];
    return [
      ...group.flatMap(({ kind, field, problem, consequence }) => [
        `${field}: ${problem} [${kind}]`,
        `    ${consequence}`,
      ]),
      `    Instead: ${remedy}`,
      ...(allowed === undefined ? [] : [`    If allowed, ${allowed}`]),
      ...(deadEnd === undefined ? [] : [`    --allow ${group[0]?.kind} doesn't help: ${deadEnd}`]),
    ].join("\n");
  });
}

/** What else a deploy was given, so that the same one is suggested again. */
export interface GivenOptions {
  readonly environment?: readonly string[];
  readonly stack?: readonly string[];
  readonly adopt?: readonly string[];
  readonly push?: boolean;
  readonly yes?: boolean;
}

/**
 * The options of a deploy that lets findings through, for those who mean it. No command where that deploy would fail all the same, or
 * change nothing of what was refused: then what has to be done first.
 * @param blocked whether something else keeps the deploy from going on, which no `--allow` lets through
 */
export function explainPermission(
  findings: readonly Finding[],
  { project, npmRun }: Pick<Workspace, "project" | "npmRun">,
  { given = {}, blocked = false }: { readonly given?: GivenOptions; readonly blocked?: boolean } = {},
): string {
  const dead = [
    ...new Set(findings.filter(({ deadEnd }) => deadEnd !== undefined).map(({ field }) => field)),
  ];
  if (dead.length > 0)
    return `No --allow carries this out. Change ${dead.join(", ")} first, as "Instead" says.`;
  if (blocked)
    return "No --allow gets this deploy through as long as the other errors above remain. Fix those first.";
  const allow = [...new Set(findings.map(({ kind }) => kind))];
  const names = namesToType(findings, project, { allow, confirmed: [] });
  const command = npmRun("deploy", ...optionsOf(given), ...allow.flatMap((kind) => ["--allow", kind]));
  const typed =
    names.length > 0
      ? `\nIn production the name of the cluster has to be typed, too (without a terminal: ${names.map((name) => `--confirm ${name}`).join(" ")}).`
      : "";
  return `If you mean it: ${command}${typed}`;
}

/** The options as they are typed. `--adopt` takes all words that follow, so it comes before another option. */
function optionsOf({ environment = [], stack = [], adopt = [], push, yes }: GivenOptions): string[] {
  return [
    ...environment.flatMap((name) => ["--environment", name]),
    ...stack.flatMap((name) => ["--stack", name]),
    ...(adopt.length > 0 ? ["--adopt", ...adopt] : []),
    ...(push ? ["--push"] : []),
    ...(yes ? ["--yes"] : []),
  ];
}
