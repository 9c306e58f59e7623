import { configure } from "./configure";
import { parseReplacements } from "./token-replacement";

/**
 * The program that Terraform's local-exec starts in the project's folder: `node configure.js`, with the table in REPLACEMENTS (one
 * `placeholder<TAB>value` a line). One line per changed file and a summary; exit status 1 when something stopped it.
 */
function main(): void {
  const { REPLACEMENTS: text, STATIC_CONFIGURATION_LOCK_TIMEOUT: seconds } = process.env;
  if (text === undefined)
    throw new Error("REPLACEMENTS is not set; run it through deploy, which hands over the table");
  // The variable is for tests.
  configure(
    process.cwd(),
    parseReplacements(text),
    (line) => console.log(line),
    seconds ? Number(seconds) : undefined,
  );
}

try {
  main();
} catch (error) {
  console.error(`static configuration: ${(error as Error).message}`);
  process.exitCode = 1;
}
