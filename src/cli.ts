import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { checkConfigCommand } from "./commands/check-config";
import { ciReadyCommand } from "./commands/ci-ready";
import { demoCommand } from "./commands/demo";
import { deployCommand } from "./commands/deploy";
import { destroyCommand } from "./commands/destroy";
import { diffCommand } from "./commands/diff";
import { outputsCommand } from "./commands/outputs";
import { previewCommand } from "./commands/preview";
import { restoreCommand } from "./commands/restore";
import { sandboxCommand } from "./commands/sandbox";
import { secretsCommand } from "./commands/secrets";
import { stacksCommand } from "./commands/stacks";
import { stateCommand } from "./commands/state";
import { statusCommand } from "./commands/status";
import { explainSwallowed } from "./commands/swallowed-options";
import { synthCommand } from "./commands/synth";
import { validateCommand } from "./commands/validate";
import { explain } from "./deployment/failure";
import { INTERRUPTED_EXIT_CODE, Interrupted } from "./deployment/interruption";
import { concealVariables, redactStream } from "./redaction";
import { REPOSITORY, readDotenv } from "./workspace";

/** The commands behind the npm scripts. */
function program(): Command {
  const result = new Command("hybrid-gitops")
    .description(
      "One configuration file becomes a DigitalOcean Kubernetes cluster per environment, with Flux",
    )
    .enablePositionalOptions()
    .exitOverride();
  for (const make of [
    demoCommand,
    deployCommand,
    diffCommand,
    previewCommand,
    destroyCommand,
    synthCommand,
    outputsCommand,
    statusCommand,
    restoreCommand,
    secretsCommand,
    stateCommand,
    stacksCommand,
    checkConfigCommand,
    validateCommand,
    ciReadyCommand,
    sandboxCommand,
  ]) {
    result.addCommand(make().exitOverride());
  }
  return result;
}

concealSecrets();

// `npm run deploy | head`, a terminal that is closed: nobody reads on, which must not stop an apply in its middle.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
  });
}

refuseSwallowedOptions();
program()
  .parseAsync(process.argv)
  .catch((error: Error) => {
    // commander has printed its own message already (help, an unknown option).
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode;
      return;
    }
    console.error(`\n${explain(error)}`);
    process.exitCode = error instanceof Interrupted ? INTERRUPTED_EXIT_CODE : 1;
  });

/** From here on no secret of the environment or .env is printed, whoever prints it: our messages, terraform's, a server's that echoes. */
function concealSecrets(): void {
  concealVariables(process.env);
  try {
    concealVariables(readDotenv(join(REPOSITORY, ".env")));
  } catch {
    // The command that needs it says what is wrong with it.
  }
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
  const told = explainSwallowed({ script, words: process.argv.slice(3), env: process.env });
  if (told === undefined) return;
  console.error(told);
  process.exit(1);
}
