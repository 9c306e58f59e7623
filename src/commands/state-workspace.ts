import type { Command } from "commander";
import type { StateStore } from "../state";
import { Output } from "../terminal/output";
import { type DescribedStack, openWorkspace, type Workspace } from "../workspace";
import { type CommonOptions, command, sandboxName } from "./options";

/** Options of the subcommands that work on stacks. */
export interface StateOptions extends CommonOptions {
  readonly backup?: string;
  readonly force?: boolean;
  readonly confirm?: string[];
}

/** What a subcommand works with. */
export interface StateWork {
  readonly workspace: Workspace;
  readonly store: StateStore;
  readonly output: Output;
  readonly options: StateOptions;
  readonly all: readonly DescribedStack[];
  readonly selected: readonly DescribedStack[];
}

/** A subcommand of `npm run state`, with the shared options that it takes. */
export function stateSubcommand(
  name: string,
  description: string,
  options: Parameters<typeof command>[2],
): Command {
  return command(name, description, options)
    .showHelpAfterError(`(npm run state -- ${name} --help lists what it takes)`)
    .exitOverride();
}

/**
 * Does a subcommand's work in the workspace that its options mean, which has to be there already. It reaches the store of the states,
 * and no cloud.
 * @param work returns the exit code
 */
export async function inStateWorkspace(
  options: Pick<CommonOptions, "sandbox" | "json">,
  work: (workspace: Workspace, output: Output) => Promise<number>,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): Promise<void> {
  const output = new Output(options.json ?? false);
  const workspace = await openWorkspace({
    command: "state",
    sandbox: sandboxName(options),
    existing: true,
    online: false,
    readOnly,
  });
  try {
    process.exitCode = await work(workspace, output);
  } finally {
    await workspace.close();
  }
}
