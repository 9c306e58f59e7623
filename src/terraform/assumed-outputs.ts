import type { ResourceChange } from "./changes";
import { copyStack } from "./stack-copy";
import type { StackDocument } from "./stack-document";
import type { SynthesizedStack } from "./stacks";

/** Stands in a copied stack for an upstream stack without state. terraform's own resource, so that no provider is needed. */
const STAND_IN = "terraform_data";

/**
 * A copy of a stack that can be planned although upstream stacks were never deployed. terraform_remote_state fails without
 * a state, so it is replaced by a resource that will be created first: its outputs are unknown until apply, as the real ones
 * are, and whatever reads them (data sources, providers) waits. It is never applied.
 */
export function assumedCopy(stack: SynthesizedStack, upstream: readonly string[]): SynthesizedStack {
  return copyStack(stack, "assumed", (source) => assumeOutputs(source, upstream));
}

/** The text of a cdk.tf.json in which the remote states of some stacks are replaced by stand-ins. */
export function assumeOutputs(source: string, upstream: readonly string[]): string {
  const states = (JSON.parse(source) as StackDocument).data?.terraform_remote_state ?? {};
  let text = source;
  const standIns: Record<string, { input: Record<string, string> }> = {};
  for (const name of Object.keys(states).filter((state) =>
    upstream.some((stack) => state.endsWith(`-${stack}`)),
  )) {
    standIns[name] = {
      input: Object.fromEntries(outputsOf(source, name).map((output) => [output, "assumed"])),
    };
    text = text.replaceAll(referenceTo(name), `${STAND_IN}.${name}.output.`);
  }
  const result = JSON.parse(text) as StackDocument;
  for (const name of Object.keys(standIns)) delete result.data?.terraform_remote_state?.[name];
  // An empty block is an error in Terraform's JSON form.
  dropEmpty(result.data, "terraform_remote_state");
  dropEmpty(result, "data");
  return JSON.stringify({ ...result, resource: { ...result.resource, [STAND_IN]: standIns } }, null, 2);
}

/** The outputs of an upstream stack that the text of a cdk.tf.json reads. */
export function outputsRead(source: string, upstream: string): string[] {
  const states = Object.keys((JSON.parse(source) as StackDocument).data?.terraform_remote_state ?? {});
  return states
    .filter((state) => state.endsWith(`-${upstream}`))
    .flatMap((state) => outputsOf(source, state));
}

const referenceTo = (state: string): string => `data.terraform_remote_state.${state}.outputs.`;

function outputsOf(source: string, state: string): string[] {
  const pattern = new RegExp(`${escapeRegExp(referenceTo(state))}([A-Za-z0-9_-]+)`, "g");
  return [...new Set([...source.matchAll(pattern)].map(([, output]) => output as string))];
}

/** The changes without the stand-ins, which are no part of what a deploy would do. */
export function dropAssumed(changes: readonly ResourceChange[]): ResourceChange[] {
  return changes.filter(({ type }) => type !== STAND_IN);
}

function dropEmpty<Key extends string>(parent: Partial<Record<Key, unknown>> | undefined, key: Key): void {
  if (parent && Object.keys(parent[key] ?? {}).length === 0) delete parent[key];
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
