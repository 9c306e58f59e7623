import { type Finding, PROTECTED } from "../deployment/dangers";
import { type Examination, type ExaminationOptions, examine } from "../deployment/examination";
import {
  explainFindings,
  explainPermission,
  type GivenOptions,
  namesToType,
  type Permission,
  refusedBy,
} from "../deployment/permission";
import type { Output } from "../terminal/output";
import type { StackPlan } from "../terraform";
import { clusterNameIsTyped } from "./cluster-name";
import { capacityReader } from "./room-for-pods";

/** Why a deploy is refused. */
export interface Refusal {
  /** What `--allow` takes; absent where nothing lets it through. */
  readonly kind?: string;
  readonly environment?: string;
  readonly field?: string;
  readonly problem: string;
  readonly consequence?: string;
  readonly remedy?: string;
}

interface GateOptions extends Omit<ExaminationOptions, "readCapacity"> {
  readonly output: Output;
  /** Why somebody interrupted, if somebody did. */
  readonly stopped?: () => string | undefined;
  /** What was given to the command: the permission, and the rest for the command that is suggested. */
  readonly permission: GivenOptions & {
    readonly allow?: Permission["allow"];
    readonly confirm?: readonly string[];
  };
}

/** Stands between the plans and their apply: what is dangerous gets through only when somebody said that they mean it. */
export class DangerGate {
  private readonly typed: string[] = [];
  private readonly refused: readonly Finding[];

  private constructor(
    private readonly options: GateOptions,
    private readonly permission: Permission,
    private readonly examination: Examination,
  ) {
    this.refused = refusedBy(examination.findings, permission);
  }

  /** Looks for the dangers in some plans, and says what could not be checked and what was let through. */
  static async open(options: GateOptions): Promise<DangerGate> {
    const { workspace, output, permission } = options;
    const examination = await examine({
      ...options,
      readCapacity: capacityReader(workspace, options.stopped),
    });
    const { allow = [], confirm: confirmed = [] } = permission;
    for (const note of examination.notes) output.line(`\nNote: ${note}`);
    const refused = refusedBy(examination.findings, { allow });
    const allowed = examination.findings.filter((finding) => !refused.includes(finding));
    if (allowed.length > 0)
      output.line(`\nDangerous, and allowed by --allow:\n\n${explainFindings(allowed).join("\n\n")}`);
    return new DangerGate(options, { allow, confirmed }, examination);
  }

  /** What keeps the plans from being applied. */
  get refusals(): readonly Refusal[] {
    return [...this.examination.impossible.map((problem) => ({ problem })), ...this.refused];
  }

  /** The refusals in words, with the options that let them through; empty without any. */
  explanation(title = "This plan is refused"): string {
    if (this.refusals.length === 0) return "";
    const { findings, impossible } = this.examination;
    const { workspace, permission: given, failures = [] } = this.options;
    const blocked = impossible.length + failures.length > 0;
    return [
      `${title}:`,
      ...impossible,
      // The plan that Terraform refused has said it already.
      ...explainFindings(
        this.refused.map((finding) =>
          failures.length > 0 && finding.deadEnd === PROTECTED ? { ...finding, deadEnd: undefined } : finding,
        ),
      ),
      ...(this.refused.length > 0 ? [explainPermission(findings, workspace, { given, blocked })] : []),
    ].join("\n\n");
  }

  /**
   * Has the names of production's clusters typed that allowed dangers are about; a `--yes` doesn't spare that, only a `--confirm` with
   * the name does. Returns whether all of them were.
   */
  async namesAreTyped(findings = this.examination.findings): Promise<boolean> {
    const { workspace, output } = this.options;
    const names = namesToType(findings, workspace.project, this.permission);
    for (const name of names.filter((one) => !this.typed.includes(one))) {
      if (!(await clusterNameIsTyped(name, output, "--allow", this.permission.confirmed))) return false;
      this.typed.push(name);
    }
    return true;
  }

  /** Whether a plan that had to be made again is as harmless as what was shown. */
  async lets(plan: StackPlan): Promise<boolean> {
    const { findings, impossible } = await examine({ ...this.options, plans: [plan], failures: [] });
    const fresh = refusedBy(findings, this.permission);
    if (impossible.length + fresh.length === 0) return this.namesAreTyped(findings);
    this.options.output.problem(
      `\nThe new plan is refused:\n\n${[...impossible, ...explainFindings(fresh)].join("\n\n")}`,
    );
    return false;
  }
}
