import pc from "picocolors";
import type { Output } from "../terminal/output";

/**
 * - `ok`: fine
 * - `missing`: required, and missing or wrong: not ready
 * - `warning`: works without, but look at it
 * - `unchecked`: could not be found out (no network, another finding in the way)
 */
export type Status = "ok" | "missing" | "warning" | "unchecked";

/** One thing that was looked at. */
export interface Finding {
  /** A stable name for scripts. */
  readonly check: string;
  readonly status: Status;
  readonly message: string;
  /** What to do; empty when nothing has to be done. */
  readonly fix: string;
}

/** Everything that was found, in the order in which it was found. */
export interface Result {
  readonly ready: boolean;
  readonly findings: readonly Finding[];
  /** What this run has created or repaired. */
  readonly changes: readonly string[];
}

/** Collects findings, and prints them for people as they come. */
export class Report {
  private readonly findings: Finding[] = [];
  private readonly changes: string[] = [];
  private heading: string | undefined;
  private readonly colors = pc.createColors(
    Boolean(process.stdout.isTTY) && !process.env.NO_COLOR && (process.env.TERM ?? "dumb") !== "dumb",
  );

  constructor(
    private readonly output: Output,
    /** Whether the findings are for a script, which reads only the result. */
    private readonly json: boolean,
  ) {}

  /** The heading of a part, printed with the first thing that is below it. */
  section(title: string): void {
    this.heading = title;
  }

  /** @param check the finding's stable name */
  finding(status: Status, check: string, message: string, fix = ""): void {
    this.findings.push({ check, status, message: plain(message), fix: plain(fix) });
    const paint = { ok: this.colors.green, missing: this.colors.red }[status as "ok" | "missing"];
    this.line(status, message, paint ?? this.colors.yellow);
    if (fix !== "") this.print(`             Fix: ${indented(fix)}`);
  }

  /** Something that this run has created or repaired. */
  changed(message: string): void {
    this.changes.push(plain(message));
    this.line("changed", message, this.colors.green);
  }

  /** A step that takes a while, or a word beside a question. */
  progress(message: string): void {
    this.print(`  ${message}`);
  }

  /** Whether something was found to be required and missing, or left to look at. */
  isOpen(check: string, statuses: readonly Status[] = ["missing", "warning"]): boolean {
    return this.findings.some((finding) => finding.check === check && statuses.includes(finding.status));
  }

  /** Prints whether the checkout is ready, and what comes next. */
  conclude(): Result {
    const missing = this.count("missing");
    const unchecked = this.count("unchecked");
    const ready = missing === 0;
    if (ready) {
      const how =
        unchecked === 0
          ? this.colors.green("Ready.")
          : `${this.colors.green("Ready")} as far as it could be checked (${unchecked} unchecked, see above).`;
      this.print(
        `\n${how} Next: npm run deploy\nTo see everything work without an account first: npm run demo`,
      );
    } else {
      this.print(
        `\n${this.colors.red("Not ready:")} ${missing} of the findings above must be fixed. Then run ./setup.sh again.\nTo see everything work without an account: npm run demo`,
      );
    }
    return { ready, findings: this.findings, changes: this.changes };
  }

  private count(wanted: Status): number {
    return this.findings.filter(({ status }) => status === wanted).length;
  }

  private line(word: string, message: string, paint: (text: string) => string): void {
    this.print(`  ${paint(word.padEnd(9))}  ${indented(message)}`);
  }

  private print(text: string): void {
    if (this.json) return;
    if (this.heading !== undefined) this.output.line(`\n${this.colors.bold(this.heading)}`);
    this.heading = undefined;
    this.output.line(plain(text, "\u001b"));
  }
}

/** Lines after the first begin where the first does. */
function indented(text: string): string {
  return plain(text).replaceAll("\n", "\n             ");
}

/** Control characters but for line breaks and tabs have no place in a message, which may quote what a file or a server says. */
function plain(text: string, but = ""): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, (sign) => (sign === but ? sign : ""));
}
