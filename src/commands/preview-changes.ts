import { structuredPatch } from "diff";
import type { Manifest } from "../flux-tree";
import type { PreviewedObject } from "./preview-objects";

/** An object that another configuration renders differently. */
export interface ChangedObject extends Omit<PreviewedObject, "object"> {
  /** Kind, namespace and name. */
  readonly name: string;
  /** A unified diff of its YAML. */
  readonly diff: string;
}

interface Comparison {
  readonly yamlOf: (object: Manifest) => string;
  /** What the two sides are called. */
  readonly from: string;
  readonly to: string;
}

/** The objects that differ between two renderings, those that only one of them has included. */
export function changedObjects(
  before: readonly PreviewedObject[],
  after: readonly PreviewedObject[],
  { yamlOf, from, to }: Comparison,
): ChangedObject[] {
  const [old, fresh] = [byIdentity(before), byIdentity(after)];
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((identity) => {
    const either = old.get(identity) ?? fresh.get(identity);
    const text = (object: PreviewedObject | undefined): string => (object ? yamlOf(object.object) : "");
    const hunks = structuredPatch(from, to, text(old.get(identity)), text(fresh.get(identity))).hunks;
    if (!either || hunks.length === 0) return [];
    const { system, source, object } = either;
    const lines = hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
      `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
      ...lines,
    ]);
    const name = nameOf(object);
    const diff = [`--- ${name}, ${from}`, `+++ ${name}, ${to}`, ...lines].join("\n");
    return [{ system, source, name, diff }];
  });
}

const nameOf = ({ kind, metadata }: Manifest): string =>
  `${kind} ${metadata?.namespace ? `${metadata.namespace}/` : ""}${metadata?.name}`;

function byIdentity(objects: readonly PreviewedObject[]): Map<string, PreviewedObject> {
  return new Map(
    objects.map((previewed) => [`${previewed.object.apiVersion} ${nameOf(previewed.object)}`, previewed]),
  );
}
