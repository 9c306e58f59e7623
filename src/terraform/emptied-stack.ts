import { copyStack, type StackDocument } from "./stack-copy";
import type { SynthesizedStack } from "./stacks";

/**
 * The namespace that Flux runs in is protected but may be left behind: Flux's finalizers would keep its deletion waiting for
 * ever, and it goes with its cluster.
 */
const LEFT_BEHIND = "kubernetes_namespace_v1";

/**
 * A copy of a stack without its resources, so that its plan destroys what there is. `terraform plan -destroy` would do the same
 * but for one thing: it can't leave a resource behind.
 * @throws Error when the stack protects a resource that can't be left behind
 */
export function emptiedCopy(stack: SynthesizedStack): SynthesizedStack {
  return copyStack(stack, "destroy", (source) => emptyStack(source, stack.name));
}

/** The text of a cdk.tf.json without resources and outputs; protected namespaces are only forgotten. */
export function emptyStack(source: string, name: string): string {
  const { resource = {}, output: _output, ...rest } = JSON.parse(source) as StackDocument;
  const guarded = Object.entries(resource).flatMap(([type, resources]) =>
    Object.entries(resources)
      .filter(([, { lifecycle }]) => lifecycle?.prevent_destroy)
      .map(([id]) => ({ type, address: `${type}.${id}` })),
  );
  const refused = guarded.filter(({ type }) => type !== LEFT_BEHIND).map(({ address }) => address);
  if (refused.length > 0)
    throw new Error(`${name}: ${refused.join(", ")} is protected and can't be destroyed`);
  const removed = guarded.map(({ address }) => ({ from: address, lifecycle: { destroy: false } }));
  return JSON.stringify(removed.length > 0 ? { ...rest, removed } : rest, null, 2);
}
