import { type Command, CommanderError } from "commander";
import { ConfigurationError, type Problem } from "../config";
import { ExplainedFailure, explain } from "../deployment/failure";
import { Interrupted } from "../deployment/interruption";
import { MissingTool } from "../flux-tree/tools";
import { LostStates } from "../state";
import { TerraformError } from "../terraform";
import { MissingPrerequisites } from "../workspace";
import { namedCommand } from "./named-command";

/** Why a command ended without a result, for a script. */
export interface ErrorReport {
  readonly kind:
    | "arguments"
    | "configuration"
    | "prerequisites"
    | "terraform"
    | "state"
    | "interrupted"
    | "failed";
  /** What a person reads on stderr. */
  readonly message: string;
  /** The option, the configuration file or the stack that it is about, where it is about one. */
  readonly place?: string;
  /** With `configuration`: everything that is wrong with the file. */
  readonly problems?: readonly Problem[];
  /** With `state`: the stacks whose state was lost, or is another stack's. */
  readonly stacks?: readonly string[];
}

/** An error that ended a command, as `--json` tells it. */
export function errorReport(error: Error): ErrorReport {
  const message = explain(error).trim();
  if (error instanceof CommanderError)
    return {
      kind: "arguments",
      message: message.replace(/^error: /, ""),
      ...optionIn(/'(?:-\w, )?(--[a-z-]+)/, message),
    };
  if (error instanceof ConfigurationError)
    return { kind: "configuration", message, place: error.file, problems: error.problems };
  if (error instanceof MissingPrerequisites || error instanceof MissingTool)
    return { kind: "prerequisites", message };
  if (error instanceof LostStates) return { kind: "state", message, stacks: error.stacks };
  if (error instanceof Interrupted) return { kind: "interrupted", message };
  const failure = error instanceof ExplainedFailure ? error.failure : error;
  if (failure instanceof TerraformError) return { kind: "terraform", message, place: failure.stackName };
  // Our messages about an option begin with it.
  const option = optionIn(/^(--[a-z-]+)/, message);
  return { kind: option.place === undefined ? "failed" : "arguments", message, ...option };
}

function optionIn(pattern: RegExp, message: string): { readonly place?: string } {
  const option = pattern.exec(message)?.[1];
  return option === undefined ? {} : { place: option };
}

/**
 * Whether the arguments of a program ask for JSON: of a command that has `--json`, or before any such command is named, where nothing but
 * an error can follow. What stands after `--` is somebody else's.
 */
export function asksForJson(program: Command, words: readonly string[]): boolean {
  const end = words.indexOf("--");
  const own = end < 0 ? words : words.slice(0, end);
  const asked = own.indexOf("--json");
  if (asked < 0) return false;
  const { command } = namedCommand(
    program,
    own.slice(0, asked).filter((word) => !word.startsWith("-")),
  );
  return command.commands.length > 0 || command.options.some(({ long }) => long === "--json");
}
