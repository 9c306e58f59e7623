import type { PlacedObject } from "../objects";
import type { RuleContext } from "./context";

/**
 * The line of the file where a value of an object is written: in the overlay or in the base that it comes from.
 * @param keys the keys that lead to the value in the object as it is applied
 * @returns `flux/apps/x/base/y.yaml:12`; undefined where kustomize or a chart made the value
 */
export function writtenAt(
  { tree, files, kustomizations }: RuleContext,
  { system, object, unsubstituted, release }: PlacedObject,
  keys: readonly string[],
): string | undefined {
  const path = kustomizations.find(({ name }) => name === system)?.path;
  if (path === undefined || release !== undefined) return undefined;
  const value = keys.reduce<unknown>(
    (inner, key) => (isRecord(inner) ? inner[key] : undefined),
    unsubstituted,
  );
  const read = new Set(tree.filesReadBy(path));
  for (const file of files) {
    if (!read.has(file.file)) continue;
    const place = file.placeOfValue(object.kind, object.metadata?.name ?? "", { keys, value });
    if (place !== undefined) return place;
  }
  return undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
