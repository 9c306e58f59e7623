import type { Command } from "commander";
import { Output } from "../terminal/output";
import { environmentOf } from "../terraform";
import { openWorkspace, synthesizeStacks } from "../workspace";
import { type CommonOptions, command, sandboxName } from "./options";

export function stacksCommand(): Command {
  return command("stacks", "List the stacks and what each builds on", ["sandbox", "json"]).action(
    async (options: CommonOptions) => {
      const output = new Output(options.json ?? false);
      const workspace = await openWorkspace({
        command: "stacks",
        sandbox: sandboxName(options),
        online: false,
      });
      try {
        const stacks = await synthesizeStacks(workspace);
        for (const { name, dependencies } of stacks)
          output.line(`${name}${dependencies.length > 0 ? `  (after ${dependencies.join(", ")})` : ""}`);
        output.result(
          stacks.map((stack) => ({
            name: stack.name,
            environment: environmentOf(stack),
            dependencies: stack.dependencies,
          })),
        );
      } finally {
        await workspace.close();
      }
    },
  );
}
