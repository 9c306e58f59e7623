import type { PlacedObject } from "../objects";
import type { RuleContext } from "./context";

/** Something in the tree that is wrong: where, what, and what to do. */
export interface Finding {
  readonly rule: string;
  /** The Flux Kustomization that it belongs to; `flux` for what belongs to none. */
  readonly system: string;
  /** A file with its line, or an object: `Deployment fluxgate/fluxgate-backend in flux/apps/fluxgate/production`. */
  readonly place: string;
  readonly problem: string;
  readonly fix: string;
}

/** A departure from a rule that the object itself gives a reason for. */
export interface Exception {
  readonly rule: string;
  readonly system: string;
  readonly place: string;
  readonly departure: string;
  readonly reason: string;
}

/** Something that is worth telling and no mistake. */
export interface Note {
  readonly rule: string;
  readonly system: string;
  readonly text: string;
  /** Whether it stands in the way of a deployment, so that CI should not pass over it. */
  readonly pending?: boolean;
}

/** What a rule found in an environment. */
export interface Outcome {
  /** How many checks were made, by system. */
  readonly checks: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  readonly exceptions: readonly Exception[];
  readonly notes: readonly Note[];
  /** Why the rule could not be checked here; with it nothing was. */
  readonly leftOut?: string;
}

/** A rule that the tree of an environment obeys. */
export interface Rule {
  readonly id: string;
  /** What it asks for, in a few words. */
  readonly title: string;
  check(context: RuleContext): Outcome | Promise<Outcome>;
}

/** Where findings of a check belong. */
export interface Place {
  readonly system: string;
  readonly place: string;
}

/** The system of findings that belong to no Flux Kustomization. */
export const WHOLE_TREE = "flux";

/** What the annotations with reasons begin with. */
export const REASON = "hybrid-gitops/reason.";

/** Rules that an object can be excepted from by an annotation `hybrid-gitops/reason.<name>`. */
export const REASONS = [
  "capabilities",
  "disruption-budget",
  "images",
  "network-policy",
  "non-root",
  "pod-security",
  "probes",
  "read-only-root",
  "resources",
  "secrets",
  "service-account",
  "topology-spread",
  "volumes",
] as const;
export type Reason = (typeof REASONS)[number];

/** Collects the outcome of a rule. */
export class OutcomeBuilder implements Outcome {
  readonly checks: Record<string, number> = {};
  readonly findings: Finding[] = [];
  readonly exceptions: Exception[] = [];
  readonly notes: Note[] = [];
  leftOut?: string;

  constructor(private readonly rule: string) {}

  /** Counts a check, and records a finding when it failed. Returns whether it passed. */
  check({ system, place }: Place, passed: boolean, problem: string, fix: string): boolean {
    this.checks[system] = (this.checks[system] ?? 0) + 1;
    if (!passed) this.findings.push({ rule: this.rule, system, place, problem, fix });
    return passed;
  }

  /** As check; what fails may be a departure that one of the objects states a reason for. */
  checkUnlessReasoned(
    at: PlacedObject,
    passed: boolean,
    { reason, problem, fix }: { readonly reason: Reason; readonly problem: string; readonly fix: string },
  ): boolean {
    const stated = passed ? undefined : reasonOf(at, reason);
    if (stated === undefined) {
      return this.check(at, passed, problem, `${fix}, or say in the annotation ${REASON}${reason} why not`);
    }
    this.check(at, true, problem, fix);
    const { system, place } = at;
    this.exceptions.push({ rule: this.rule, system, place, departure: problem, reason: stated });
    return true;
  }

  note(system: string, text: string, pending = false): void {
    this.notes.push({ rule: this.rule, system, text, ...(pending ? { pending } : {}) });
  }
}

/** The reason that an object, or the release whose chart it comes from, states for a departure. */
export function reasonOf({ object, release }: PlacedObject, reason: Reason): string | undefined {
  const name = `${REASON}${reason}`;
  for (const one of [object, release]) {
    const text = one?.metadata?.annotations?.[name];
    if (typeof text === "string" && text.trim() !== "") return text.trim();
  }
  return undefined;
}
