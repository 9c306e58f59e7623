import type { Command } from "commander";

/**
 * The command of a program that words name, as far as they name one, with its subcommands.
 * @returns the program itself where they name none, and how many of the words are its name
 */
export function namedCommand(
  program: Command,
  words: readonly string[],
): { readonly command: Command; readonly depth: number } {
  let [command, depth] = [program, 0];
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) break;
    command = next;
    depth += 1;
  }
  return { command, depth };
}
