import { relative } from "node:path";
import type { Command } from "commander";
import { Output } from "../terminal/output";
import { openWorkspace, synthesizeStacks } from "../workspace";
import { type CommonOptions, command, sandboxName } from "./options";

export function synthCommand(): Command {
  return command("synth", "Write the Terraform stacks (cdktf.out) without asking any cloud", [
    "sandbox",
    "json",
  ]).action(async (options: CommonOptions) => {
    const output = new Output(options.json ?? false);
    const workspace = await openWorkspace({ command: "synth", sandbox: sandboxName(options), online: false });
    try {
      const stacks = await synthesizeStacks(workspace);
      for (const { name, directory } of stacks)
        output.line(`${name.padEnd(30)} ${relative(process.cwd(), directory)}/cdk.tf.json`);
      output.result({
        stacks: stacks.map(({ name, directory, dependencies }) => ({
          name,
          directory: relative(process.cwd(), directory),
          dependencies,
        })),
      });
    } finally {
      await workspace.close();
    }
  });
}
