import { copyStack } from "./stack-copy";
import type { StackDocument } from "./stack-document";
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
export function emptiedCopy(stack: SynthesizedStack, namespace: NamespaceFate): SynthesizedStack {
  return copyStack(stack, "destroy", (source) => emptyStack(source, stack.name, namespace));
}

/**
 * What becomes of the protected namespace in the state: `forgotten` when its cluster goes too, else `kept`, since the next
 * deploy finds it in the cluster.
 */
export type NamespaceFate = "forgotten" | "kept";

/** The text of a cdk.tf.json without outputs and resources, but for what is protected and may stay. */
export function emptyStack(source: string, name: string, namespace: NamespaceFate): string {
  const { resource = {}, output: _output, ...rest } = JSON.parse(source) as StackDocument;
  const guarded = Object.entries(resource).flatMap(([type, resources]) =>
    Object.keys(resources)
      .filter((id) => resources[id]?.lifecycle?.prevent_destroy)
      .map((id) => ({ type, id, address: `${type}.${id}` })),
  );
  const refused = guarded.filter(({ type }) => type !== LEFT_BEHIND).map(({ address }) => address);
  if (refused.length > 0)
    throw new Error(`${name}: ${refused.join(", ")} is protected and can't be destroyed`);
  if (guarded.length === 0) return JSON.stringify(rest, null, 2);
  const left =
    namespace === "forgotten"
      ? { removed: guarded.map(({ address }) => ({ from: address, lifecycle: { destroy: false } })) }
      : { resource: { [LEFT_BEHIND]: resource[LEFT_BEHIND] } };
  return JSON.stringify({ ...rest, ...left }, null, 2);
}

/**
 * A copy of a stack whose cluster is gone, so that nobody can be asked about its objects: they are forgotten, the rest is destroyed.
 * The provider is left without an address, since a data source that looks for the cluster would fail.
 * @param objects addresses of the cluster's objects in the state
 */
export function forgettingCopy(stack: SynthesizedStack, objects: readonly string[]): SynthesizedStack {
  return copyStack(stack, "destroy", (source) => {
    const {
      resource: _resource,
      output: _output,
      data: _data,
      ...rest
    } = JSON.parse(source) as StackDocument;
    return JSON.stringify(
      {
        ...rest,
        provider: { ...rest.provider, kubernetes: [{}] },
        removed: objects.map((from) => ({ from, lifecycle: { destroy: false } })),
      },
      null,
      2,
    );
  });
}
