import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { readOutputs, type Variables, valuesOf } from "./plan";
import { hasLocalState, readStackDocument } from "./stack-document";
import type { SynthesizedStack } from "./stacks";
import { readState } from "./state";

/**
 * The upstream stacks whose outputs a stack needs but can't read yet: they were never deployed, or only in part.
 * A local state is read directly, which saves a run of terraform; others are asked through terraform.
 */
export async function missingUpstream(
  stack: SynthesizedStack,
  stacks: readonly SynthesizedStack[],
  variables: Variables,
): Promise<string[]> {
  const source = readFileSync(resolve(stack.directory, "cdk.tf.json"), "utf8");
  const missing: string[] = [];
  for (const upstream of stacks.filter(({ name }) => stack.dependencies.includes(name))) {
    const reference = new RegExp(
      `data\\.terraform_remote_state\\.[A-Za-z0-9_-]*-${upstream.name}\\.outputs\\.([A-Za-z0-9_-]+)`,
      "g",
    );
    const needed = [...source.matchAll(reference)].map(([, output]) => output as string);
    const present = await stateOutputs(upstream, variables);
    if (needed.some((output) => !(output in present))) missing.push(upstream.name);
  }
  return missing;
}

/** Every output in a stack's state, those between stacks included. */
export async function stateOutputs(
  stack: SynthesizedStack,
  variables: Variables,
): Promise<Record<string, unknown>> {
  const document = readStackDocument(stack);
  return valuesOf(
    hasLocalState(document)
      ? ((await readState({ ...stack, document }, variables)).outputs ?? {})
      : await readOutputs(stack, variables),
  );
}
