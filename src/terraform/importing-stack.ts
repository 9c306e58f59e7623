import { copyStack } from "./stack-copy";
import type { StackDocument } from "./stack-document";
import type { SynthesizedStack } from "./stacks";

/** An object in the cloud that comes into the state under an address. */
export interface Import {
  readonly address: string;
  /** In the form that the provider documents for `terraform import`. */
  readonly id: string;
}

/**
 * A copy of a stack with an import block for each object (Terraform 1.5 and later), so that importing is part of a plan, which can
 * be looked at before it is applied.
 */
export function importingCopy(stack: SynthesizedStack, imports: readonly Import[]): SynthesizedStack {
  return copyStack(stack, "importing", (source) => {
    const document = JSON.parse(source) as StackDocument;
    return JSON.stringify(
      // An id is text, and a template in Terraform's JSON form.
      {
        ...document,
        import: imports.map(({ address, id }) => ({ to: address, id: id.replaceAll("${", "$${") })),
      },
      null,
      2,
    );
  });
}
