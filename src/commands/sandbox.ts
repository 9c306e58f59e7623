import { spawn } from "node:child_process";
import type { Command } from "commander";
import { npmRunIn } from "../place";
import { Output } from "../terminal/output";
import {
  DEFAULT_SANDBOX,
  openWorkspace,
  sandboxDirectory,
  synthesizeStacks,
  type Workspace,
} from "../workspace";
import { command } from "./options";

export function sandboxCommand(): Command {
  return command(
    "sandbox",
    "Run a command (terraform, cdktf) against the sandbox, or keep the sandbox running",
    [],
  )
    .option("--sandbox <name>", "the sandbox", DEFAULT_SANDBOX)
    .argument("[command...]", "the command with its arguments, such as: npx cdktf diff staging-cluster")
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (words: string[], { sandbox: name }: { sandbox: string }) => {
      const output = new Output(false);
      if (words.length === 0) requireTerminal(name);
      const workspace = await openWorkspace({ command: "sandbox", sandbox: name });
      try {
        await synthesizeStacks(workspace);
        // cdktf and terraform look after their own state; our own commands may work beside them.
        workspace.unlock();
        process.exitCode = words.length > 0 ? await run(words, workspace) : await serve(workspace, output);
      } finally {
        await workspace.close();
      }
    });
}

/** Who can't press Ctrl-C would wait for ever. */
function requireTerminal(sandbox: string): void {
  if (process.stdin.isTTY) return;
  throw new Error(
    `Without a command the sandbox runs until Ctrl-C, but this is not a terminal. Name the command to run: ${npmRunIn(sandboxDirectory(sandbox, false), "sandbox")} npx cdktf diff staging-cluster`,
  );
}

async function run([program = "", ...args]: string[], { variables }: Workspace): Promise<number> {
  const child = spawn(program, args, { stdio: "inherit", env: variables as NodeJS.ProcessEnv });
  // The terminal's Ctrl-C reaches the child by itself; the sandbox has to stay until it is done.
  const stay = (): void => undefined;
  process.on("SIGINT", stay).on("SIGTERM", stay);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", (error: NodeJS.ErrnoException) =>
        reject(error.code === "ENOENT" ? new Error(`${program}: no such command`) : error),
      );
      child.once("close", (code) => resolve(code ?? 1));
    });
  } finally {
    process.off("SIGINT", stay).off("SIGTERM", stay);
  }
}

/** Prints what another terminal needs, then waits for Ctrl-C. Its own words are no part of what may be written to a file. */
async function serve({ variables, directory }: Workspace, output: Output): Promise<number> {
  const inherited = new Set(Object.entries(process.env).map(([name, value]) => `${name}=${value}`));
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined && !inherited.has(`${name}=${value}`))
      output.line(`export ${name}='${value.replaceAll("'", "'\\''")}'`);
  }
  output.problem(
    `# The sandbox in ${directory} runs until Ctrl-C. Paste the lines above into another terminal to work with it there.`,
  );
  await new Promise<void>((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
  return 0;
}
