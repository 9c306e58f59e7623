import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import type { Command } from "commander";
import { command } from "./options";

/** Terraform's error for the outputs of a stack that was never deployed, which no plain CLI can plan on. */
const NEVER_DEPLOYED = "Unable to find remote state";
/** How terraform and cdktf repeat that there was an error. */
const REPEATED =
  /External Error: Stack failed to plan|Planning failed\. Terraform encountered an error|\bexit(?:ed with)? code 1\b/;
/** Whatever may tell of trouble. What it names too much fails a job that somebody then looks at; what it misses is excused. */
const TROUBLE = [
  /error|exception|fatal|panic|fail|crash|abort|\bkill|\bsignal|\bfault\b|core dumped|out of memory|non-zero/i,
  /\bexit(?:ed)?\b.*\b(?:code|status)\b|refused|\breset\b|tim(?:ed|e) ?out|unreachable|denied|unauthori[sz]ed|not found/i,
  /\bSIG[A-Z]{2,}\b|\bE[A-Z]{4,}\b/,
];
/** How cdktf's log begins its lines, whatever stands in them. */
const LOGGED = /^\[[^\]]*\] \[ERROR\] default - /;
/** A plan as terraform prints it, which has the user's own words. */
const PLAN =
  /^.*Terraform (?:used the selected providers|planned the following actions)[\s\S]*?^\s+Plan: \d+ to add.*$/gm;

/**
 * What made `cdktf diff` fail, but for what the plain CLI can't do: plan a stack that builds on one that was never deployed (our own diff
 * plans it on assumed outputs). Empty when that was all: when it is there, and nothing else that was printed looks like trouble.
 */
export function plainDiffErrors(printed: string): string[] {
  const plain = stripVTControlCharacters(printed);
  // What a crash prints in the middle of a plan isn't indented as the plan is.
  const withoutPlans = plain.replace(PLAN, (plan) => plan.replace(/^\s{4,}.*$/gm, ""));
  const errors: string[] = [];
  let excused = false;
  let inBox = false;
  for (const line of withoutPlans.split("\n")) {
    const text = line.trim().replace(LOGGED, "");
    const [, boxed] = /^(?:\S+ {2})?│(.*)$/.exec(text) ?? [];
    const [, kind, title] = /^(Error|Warning): (.*)$/.exec((boxed ?? text).trim()) ?? [];
    const isBody = inBox && boxed !== undefined && kind === undefined;
    inBox = boxed !== undefined && (kind !== undefined || inBox);
    // The lines below a title explain it.
    if (isBody || kind === "Warning") continue;
    const error = title ?? text;
    if (title === NEVER_DEPLOYED) excused = true;
    else if (!REPEATED.test(line) && (kind !== undefined || TROUBLE.some((one) => one.test(text))))
      errors.push(error);
  }
  if (errors.length === 0 && !excused) return ["cdktf diff failed and printed no error of Terraform"];
  return [...new Set(errors)];
}

function readPrinted(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(
      `${file}: what cdktf diff printed can't be read (${(error as NodeJS.ErrnoException).code}). Name the file that it was written to: npx cdktf diff <stack> 2>&1 | tee <file>`,
      { cause: error },
    );
  }
}

export function ciDiffCommand(): Command {
  return command(
    "ci-diff",
    "Tell whether a failed `npx cdktf diff` failed for what the plain CLI can't plan only",
    [],
  )
    .argument("<file>", "what it printed")
    .action((file: string) => {
      const errors = plainDiffErrors(readPrinted(file));
      if (errors.length === 0) {
        process.stdout.write(
          "The plain CLI can't plan this stack, since it builds on one that was never deployed. The job `plan` plans it on assumed outputs.\n",
        );
        return;
      }
      process.stderr.write(`cdktf diff failed:\n${errors.map((error) => `  ${error}\n`).join("")}`);
      process.exitCode = 1;
    });
}
