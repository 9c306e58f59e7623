import { type Capacity, capacityOf } from "./capacity";
import type { Exception, Finding, Note, Outcome, Rule, RuleContext } from "./rules";

/** What was found in the tree. */
export interface ValidationReport {
  readonly environments: readonly EnvironmentReport[];
  /** Of all environments; what is wrong in a base is there once. */
  readonly findings: readonly Finding[];
  readonly exceptions: readonly Exception[];
  readonly notes: readonly Note[];
  /** What was not checked, and why. */
  readonly leftOut: readonly LeftOut[];
}

/** A part that was not checked. */
export interface LeftOut {
  readonly what: string;
  readonly why: string;
}

export interface EnvironmentReport {
  readonly name: string;
  /** Whether Flux applies it anywhere; an overlay such as fluxgate's dev is built and checked all the same. */
  readonly hasCluster: boolean;
  readonly systems: readonly SystemReport[];
  readonly rules: readonly RuleReport[];
  /** Absent when the sum is not known. */
  readonly capacity?: Capacity;
}

export interface SystemReport {
  readonly name: string;
  readonly objects: number;
  /** Rules that had something to check here and found nothing wrong. */
  readonly rulesPassed: number;
  readonly rulesChecked: number;
  readonly checksPassed: number;
  readonly checks: number;
  readonly findings: number;
  readonly exceptions: number;
}

export interface RuleReport {
  readonly id: string;
  readonly title: string;
  readonly checks: number;
  readonly findings: number;
  readonly leftOut?: string;
}

/** What a rule found in an environment. */
export interface RuleOutcome {
  readonly rule: Rule;
  readonly outcome: Outcome;
}

/** What was found in an environment. */
export interface TargetResult {
  readonly report: EnvironmentReport;
  readonly outcomes: readonly RuleOutcome[];
  readonly leftOut: readonly LeftOut[];
}

/** Puts the environments together. What several of them say is there once. */
export function summarize(results: readonly TargetResult[]): ValidationReport {
  const outcomes = results.flatMap((result) => result.outcomes);
  const leftOut = [
    ...results.flatMap((result) => result.leftOut),
    ...outcomes.flatMap(({ rule, outcome }) =>
      outcome.leftOut === undefined ? [] : [{ what: rule.title, why: outcome.leftOut }],
    ),
  ];
  return {
    environments: results.map(({ report }) => report),
    findings: unique(outcomes.flatMap(({ outcome }) => outcome.findings)),
    exceptions: unique(outcomes.flatMap(({ outcome }) => outcome.exceptions)),
    notes: unique(outcomes.flatMap(({ outcome }) => outcome.notes)),
    leftOut: unique(leftOut),
  };
}

/** Counts what the rules found in an environment, by system and by rule. */
export function reportOf(context: RuleContext, outcomes: readonly RuleOutcome[]): EnvironmentReport {
  const names = new Set(context.kustomizations.map(({ name }) => name));
  for (const { outcome } of outcomes) for (const name of Object.keys(outcome.checks)) names.add(name);
  return {
    name: context.environment.name,
    hasCluster: context.hasCluster,
    systems: [...names].map((name) => systemReport(name, context, outcomes)),
    rules: outcomes.map(({ rule, outcome }) => ({
      id: rule.id,
      title: rule.title,
      checks: Object.values(outcome.checks).reduce((total, count) => total + count, 0),
      findings: outcome.findings.length,
      ...(outcome.leftOut === undefined ? {} : { leftOut: outcome.leftOut }),
    })),
    ...(context.complete ? { capacity: capacityOf(context) } : {}),
  };
}

function systemReport(name: string, context: RuleContext, outcomes: readonly RuleOutcome[]): SystemReport {
  const own = outcomes.map(({ outcome }) => ({
    checks: outcome.checks[name] ?? 0,
    findings: outcome.findings.filter(({ system }) => system === name).length,
    exceptions: outcome.exceptions.filter(({ system }) => system === name).length,
  }));
  const total = (key: "checks" | "findings" | "exceptions"): number =>
    own.reduce((sum, counts) => sum + counts[key], 0);
  const checked = own.filter(({ checks }) => checks > 0);
  return {
    name,
    objects: context.objects.filter(({ system }) => system === name).length,
    rulesPassed: checked.filter(({ findings }) => findings === 0).length,
    rulesChecked: checked.length,
    checksPassed: Math.max(0, total("checks") - total("findings")),
    checks: total("checks"),
    findings: total("findings"),
    exceptions: total("exceptions"),
  };
}

/** Without what another environment said already. */
function unique<Item>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
