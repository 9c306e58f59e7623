import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SynthesizedStack } from "./stacks";

/** What Terraform leaves in the folder that it runs in when it can't write the state: the only one that knows what it has done. */
export const ERRORED_STATE = "errored.tfstate";

type Purpose = "assumed" | "destroy" | "importing" | "upgrading";

/** The folders in which a stack is applied: its own, and those of its copies. A plan on assumed outputs is never applied. */
export function appliedIn(stack: Pick<SynthesizedStack, "directory" | "name">): readonly string[] {
  const copies = (["destroy", "importing", "upgrading"] as const).map((purpose) => copyOf(stack, purpose));
  return [...new Set([stack.directory, ...copies])];
}

function copyOf({ directory, name }: Pick<SynthesizedStack, "directory" | "name">, purpose: Purpose): string {
  return join(dirname(dirname(directory)), purpose, name);
}

/**
 * A copy of a stack with a changed cdk.tf.json. It stands beside the stacks at the same depth (`cdktf.out/<purpose>/<stack>`),
 * so that its relative paths, the state's among them, lead to the same places.
 * @throws Error when Terraform left a state in an earlier copy, which would go with it
 */
export function copyStack(
  stack: SynthesizedStack,
  purpose: Purpose,
  change: (source: string) => string,
): SynthesizedStack {
  const directory = copyOf(stack, purpose);
  const errored = join(directory, ERRORED_STATE);
  if (existsSync(errored))
    throw new Error(
      `${stack.name}: Terraform could not write its state and left it in ${errored}. Keep that file: nothing else knows what was done. The next deploy from here takes it in.`,
    );
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
