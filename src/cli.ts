import { join } from "node:path";
import { CommanderError } from "commander";
import { asksForJson, type ErrorReport, errorReport } from "./commands/error-report";
import { program } from "./commands/program";
import { explainSwallowed } from "./commands/swallowed-options";
import { explain } from "./deployment/failure";
import { INTERRUPTED_EXIT_CODE, Interrupted } from "./deployment/interruption";
import { concealValues, concealVariables, redactStream } from "./redaction";
import { privateValues } from "./secrets/private-files";
import { secretVariables } from "./secrets/secret-variables";
import { Output, resultIsPrinted } from "./terminal/output";
import { dotenvReadings, REPOSITORY, sandboxDirectories } from "./workspace";

concealSecrets();

// `npm run deploy | head`, a terminal that is closed: nobody reads on, which must not stop an apply in its middle.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
  });
}

const commands = program();
refuseSwallowedOptions();
commands
  .parseAsync(process.argv)
  .then(() => {
    // A command that has told people why it could not do its work, and nothing for a script.
    if (process.exitCode)
      reportForScripts({ kind: "failed", message: "there is no result; stderr says why" }, process.exitCode);
  })
  .catch((error: Error) => {
    // commander has printed its own message already (help, an unknown option).
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode;
      if (error.exitCode === 0) return;
    } else {
      console.error(`\n${explain(error)}`);
      process.exitCode = error instanceof Interrupted ? INTERRUPTED_EXIT_CODE : 1;
    }
    reportForScripts(errorReport(error), process.exitCode);
  });

/** With `--json` one object is on stdout, whatever happens. */
function reportForScripts(error: ErrorReport, exitCode: number | string): void {
  if (resultIsPrinted() || !asksForJson(commands, process.argv.slice(2))) return;
  new Output(true).result({ exitCode: Number(exitCode), error });
}

/** From here on no secret of the environment, .env or the private files is printed, whoever prints it: our messages, terraform's, a server's that echoes. */
function concealSecrets(): void {
  const known = secretVariables();
  concealVariables(process.env, known);
  // Every sandbox's, since one is named in the arguments only, and an error in those is printed as well.
  for (const directory of [REPOSITORY, ...sandboxDirectories()]) concealValues(privateValues(directory));
  for (const directory of [REPOSITORY, ...sandboxDirectories()])
    for (const [name, value] of dotenvReadings(join(directory, ".env")))
      concealVariables({ [name]: value }, known);
  for (const stream of [process.stdout, process.stderr]) redactStream(stream);
  // Node would print these past the streams.
  process.on("uncaughtException", (error) => {
    console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  });
}

/** A command with options missing would do something else than was meant: it isn't begun. */
function refuseSwallowedOptions(): void {
  const script = process.env.npm_lifecycle_event;
  if (script === undefined) return;
  const swallowed = explainSwallowed(commands, { script, words: process.argv.slice(2), env: process.env });
  if (swallowed === undefined) return;
  const { message, harmless } = swallowed;
  console.error(message);
  if (harmless) return;
  reportForScripts({ kind: "arguments", message }, 1);
  process.exit(1);
}
