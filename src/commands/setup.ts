import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { CONFIGURATION_FILE } from "../config";
import { INTERRUPTED_EXIT_CODE } from "../deployment/interruption";
import { type Questions, Report, type StatePreparation, setup } from "../setup";
import { agrees, askUnseen, Stopped } from "../terminal/confirm";
import { Output } from "../terminal/output";
import { REPOSITORY } from "../workspace";
import { prepareStates } from "./state-prepare";

interface Options {
  readonly check?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const WRONG_USAGE = 2;

/** `./setup.sh`: gets a checkout ready to deploy. Exit codes: 0 ready, 1 something that is required is missing, 2 wrong usage. */
export function setupCommand(): Command {
  return new Command("setup")
    .description(
      "Check everything that a deployment needs (tools, configuration, tokens and what they may do), and list all findings at once, each with its fix. Creates infrastructure.config.json and a private .env where they are missing. Offers to create the bucket of the states, and the keys and encrypted secrets of the applications. Run it as often as you like.",
    )
    .argument("[prerequisites]", "may be left out: these checks are all that setup.sh does")
    .option("--check", "change nothing, only look")
    .option("--yes", "ask nothing, and create what is missing")
    .option("--json", "print the findings as JSON (asks nothing either)")
    .addHelpText(
      "after",
      `
Values in the environment win over those in .env.
Exit codes: 0 ready, 1 something that is required is missing, 2 wrong usage.`,
    )
    .configureHelp({ commandUsage: () => "./setup.sh [prerequisites] [options]" })
    .allowExcessArguments(true)
    .configureOutput({
      outputError: (text, write) => write(`setup.sh: ${inOurWords(text)}\nTry: ./setup.sh --help\n`),
    })
    .exitOverride((error) => {
      throw new CommanderError(error.exitCode === 0 ? 0 : WRONG_USAGE, error.code, error.message);
    })
    .action(async (_word: string | undefined, options: Options, command: Command) => {
      refuseOthers(command, command.args);
      process.exitCode = await run(options);
    });
}

/** commander's `error: unknown option '--chek'` and a suggestion in a second line. */
function inOurWords(text: string): string {
  return text
    .trim()
    .replace(/^error: /, "")
    .replace(/'([^']*)'/, ": $1")
    .replace(" : ", ": ");
}

function refuseOthers(command: Command, words: readonly string[]): void {
  const other = words.find((word) => word !== "prerequisites");
  if (words.length > 1) command.error(`one subcommand at a time: ${words[0]} or ${words[1]}`);
  if (other !== undefined) command.error(`unknown subcommand: ${other}`);
}

async function run({ check = false, yes = false, json = false }: Options): Promise<number> {
  const output = new Output(json);
  const isAsked = !check && !json && !yes && Boolean(process.stdin.isTTY && process.stdout.isTTY);
  const questions: Questions = { agrees, unseen: askUnseen };
  const states: StatePreparation = (project, how) =>
    prepareStates(
      {
        directory: REPOSITORY,
        configurationFile: join(REPOSITORY, CONFIGURATION_FILE),
        variables: how.variables,
        state: project.state,
      },
      { check: how.check, tell: how.tell, line: (text) => output.line(text) },
    );
  try {
    const { ready, findings, changes } = await setup({
      directory: REPOSITORY,
      options: { check, yes: yes && !check, ask: isAsked },
      environment: process.env,
      report: new Report(output, json),
      questions,
      states,
      nameServer: process.env.HYBRID_GITOPS_NAME_SERVER,
    });
    output.result({ ready, findings, changes });
    return ready ? 0 : 1;
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    output.line("\n  Stopped. What was done is kept; ./setup.sh goes on from there.");
    return INTERRUPTED_EXIT_CODE;
  }
}
