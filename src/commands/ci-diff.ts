import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import type { Command } from "commander";
import { command } from "./options";

/** Terraform's error for the outputs of a stack that was never deployed, which no plain CLI can plan on. */
const NEVER_DEPLOYED = "Unable to find remote state";
/** How cdktf repeats that terraform failed. */
const REPEATED = /^External Error: Stack failed to plan/;

/**
 * What made `cdktf diff` fail, but for what the plain CLI can't do: plan a stack that builds on one that was never deployed (our own diff
 * plans it on assumed outputs). Empty when that was all.
 */
export function plainDiffErrors(printed: string): string[] {
  const errors = [...stripVTControlCharacters(printed).matchAll(/^[^\n]*?\bError: ([^\n]*)$/gm)]
    .map(([, error = ""]) => error.trim())
    .filter((error) => !REPEATED.test(error));
  if (errors.length === 0) return ["cdktf diff failed and printed no error of Terraform"];
  return [...new Set(errors.filter((error) => error !== NEVER_DEPLOYED))];
}

export function ciDiffCommand(): Command {
  return command(
    "ci-diff",
    "Tell whether a failed `npx cdktf diff` failed for what the plain CLI can't plan only",
    [],
  )
    .argument("<file>", "what it printed")
    .action((file: string) => {
      const errors = plainDiffErrors(readFileSync(file, "utf8"));
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
