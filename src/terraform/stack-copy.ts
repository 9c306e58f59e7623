import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SynthesizedStack } from "./stacks";

/**
 * A copy of a stack with a changed cdk.tf.json. It stands beside the stacks at the same depth (`cdktf.out/<purpose>/<stack>`),
 * so that its relative paths, the state's among them, lead to the same places.
 */
export function copyStack(
  stack: SynthesizedStack,
  purpose: "assumed" | "destroy" | "importing",
  change: (source: string) => string,
): SynthesizedStack {
  const directory = join(dirname(dirname(stack.directory)), purpose, stack.name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const assets = join(stack.directory, "assets");
  if (existsSync(assets)) cpSync(assets, join(directory, "assets"), { recursive: true });
  writeFileSync(
    join(directory, "cdk.tf.json"),
    change(readFileSync(join(stack.directory, "cdk.tf.json"), "utf8")),
  );
  return { ...stack, directory };
}
