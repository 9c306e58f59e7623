import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import type { Command } from "commander";
import { command } from "./options";

/** Terraform's error for the outputs of a stack that was never deployed, which no plain CLI can plan on. */
const NEVER_DEPLOYED = "Unable to find remote state";
/** How cdktf repeats that terraform failed. */
const REPEATED = /^External Error: Stack failed to plan/;
/** A program that ended in the middle: terraform, a provider, cdktf, or one that was killed. No line of it begins with "Error:". */
const CRASH =
  /\bpanic: |\bfatal error: |runtime: out of memory|heap out of memory|TERRAFORM CRASH|exited with code (?!1\b)\d|\bsignal: killed|^Killed\b|Segmentation fault|\bSIG(?:KILL|SEGV|ABRT|TERM)\b/;

/**
 * What made `cdktf diff` fail, but for what the plain CLI can't do: plan a stack that builds on one that was never deployed (our own diff
 * plans it on assumed outputs). Empty when that was all.
 */
export function plainDiffErrors(printed: string): string[] {
  const plain = stripVTControlCharacters(printed);
  const crashes = plain
    .split("\n")
    .map((line) => line.replace(/^\s*[│|╷╵]?\s*/, "").trim())
    .filter((line) => CRASH.test(line));
  const errors = [...plain.matchAll(/^[^\n]*?\bError: ([^\n]*)$/gm)]
    .map(([, error = ""]) => error.trim())
    .filter((error) => !REPEATED.test(error));
  if (errors.length + crashes.length === 0) return ["cdktf diff failed and printed no error of Terraform"];
  return [...new Set([...errors, ...crashes].filter((error) => error !== NEVER_DEPLOYED))];
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
