import type { Command } from "commander";
import { selectStacks } from "../deployment/selection";
import { openStore, refuseLostStates } from "../state";
import { Output } from "../terminal/output";
import { readStackDocument, readState, stackDeployment } from "../terraform";
import { openWorkspace, synthesizeStacks } from "../workspace";
import { type CommonOptions, command, sandboxName } from "./options";

/** cdktf's own outputs between stacks; people have the same values under readable names. */
const BETWEEN_STACKS = /^cross-stack-output-/;

export function outputsCommand(): Command {
  return command("outputs", "Print what the deployed stacks tell: cluster ids, names, versions", [
    "selection",
    "sandbox",
    "json",
  ]).action(async (options: CommonOptions) => {
    const output = new Output(options.json ?? false);
    const workspace = await openWorkspace({
      command: "outputs",
      sandbox: sandboxName(options),
      existing: true,
      online: false,
    });
    try {
      const stacks = selectStacks(await synthesizeStacks(workspace), {
        environments: options.environment,
        stacks: options.stack,
      });
      // Outputs of a state that is an older copy, or another stack's, look like any other.
      await refuseLostStates(
        await openStore(workspace),
        stacks.map(({ name }) => name),
        workspace,
      );
      const result: Record<string, Record<string, unknown> | null> = {};
      for (const stack of stacks) {
        const document = readStackDocument(stack);
        const state = await readState({ ...stack, document }, workspace.variables);
        const { state: deployed, outputs: all } = stackDeployment(document, state);
        const outputs = Object.entries(all).filter(([name]) => !BETWEEN_STACKS.test(name));
        const none = deployed === "not deployed" && outputs.length === 0;
        result[stack.name] = none ? null : Object.fromEntries(outputs);
        output.line(outputs.length > 0 ? stack.name : `${stack.name}: ${deployed}, no outputs`);
        for (const [name, value] of outputs)
          output.line(`  ${name.padEnd(18)} ${typeof value === "string" ? value : JSON.stringify(value)}`);
      }
      output.result(result);
    } finally {
      await workspace.close();
    }
  });
}
