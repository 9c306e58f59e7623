import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SynthesizedStack } from "./stacks";

/** What this program looks at in a synthesized stack (`cdk.tf.json`). Copies of stacks are changed in it. */
export interface StackDocument {
  readonly terraform?: {
    readonly backend?: {
      readonly local?: { readonly path: string };
      readonly [type: string]: unknown;
    };
    readonly required_providers?: Readonly<
      Record<string, { readonly source?: string; readonly version?: string }>
    >;
  };
  data?: { terraform_remote_state?: Record<string, unknown> };
  /** By type and name. */
  readonly resource?: Readonly<
    Record<string, Readonly<Record<string, { readonly lifecycle?: { readonly prevent_destroy?: boolean } }>>>
  >;
  readonly provider?: Readonly<Record<string, unknown>>;
  readonly output?: unknown;
}

/** @throws Error when it can't be read */
export function readStackDocument({ directory }: Pick<SynthesizedStack, "directory">): StackDocument {
  return JSON.parse(readFileSync(join(directory, "cdk.tf.json"), "utf8")) as StackDocument;
}

/** Whether the state of a stack is a file on this machine; others are shared by a team. */
export function hasLocalState({ terraform }: StackDocument): boolean {
  return terraform?.backend?.local !== undefined;
}
