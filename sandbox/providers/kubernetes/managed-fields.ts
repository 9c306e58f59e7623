import type { Json, JsonObject } from "../../clouds/cloud-file";
import type { Manifest } from "./api";

/** The parts of an object whose owners are kept: those that server-side apply of the stand-in can change. */
const PARTS = ["labels", "annotations", "data"] as const;
type Part = (typeof PARTS)[number];

interface Entry {
  manager: string;
  operation: "Apply" | "Update";
  fieldsV1: JsonObject;
}

const entries = (manifest: Manifest): Entry[] =>
  (manifest.metadata.managedFields ?? []) as unknown as Entry[];

const asObject = (value: Json | undefined): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};

/** The map of a part: `metadata.labels`, `metadata.annotations` or `data`. */
export function partOf(manifest: Manifest, part: Part): JsonObject {
  return asObject(part === "data" ? manifest.data : manifest.metadata[part]);
}

function setPart(manifest: Manifest, part: Part, value: JsonObject): void {
  const target: JsonObject = part === "data" ? manifest : manifest.metadata;
  if (Object.keys(value).length > 0) target[part] = value;
  else delete target[part];
}

function owned(fields: JsonObject, part: Part): string[] {
  const tree = part === "data" ? fields["f:data"] : asObject(fields["f:metadata"])[`f:${part}`];
  return Object.keys(asObject(tree)).map((key) => key.slice("f:".length));
}

function fieldsOf(keys: Readonly<Record<Part, readonly string[]>>): JsonObject {
  const tree = (list: readonly string[]): JsonObject =>
    Object.fromEntries([...list].sort().map((key) => [`f:${key}`, {}]));
  const metadata: JsonObject = {};
  if (keys.labels.length > 0) metadata["f:labels"] = tree(keys.labels);
  if (keys.annotations.length > 0) metadata["f:annotations"] = tree(keys.annotations);
  return {
    ...(Object.keys(metadata).length > 0 ? { "f:metadata": metadata } : {}),
    ...(keys.data.length > 0 ? { "f:data": tree(keys.data) } : {}),
  };
}

function setOwned(
  manifest: Manifest,
  manager: string,
  operation: Entry["operation"],
  keys: Record<Part, string[]>,
): void {
  const others = entries(manifest).filter(
    (entry) => entry.manager !== manager || entry.operation !== operation,
  );
  const fieldsV1 = fieldsOf(keys);
  const own = Object.keys(fieldsV1).length > 0 ? [{ manager, operation, fieldsV1 }] : [];
  manifest.metadata.managedFields = [...others, ...own] as unknown as Json[];
}

/** Keys of a part that a manager owns. */
export function managedKeys(manifest: Manifest, manager: string, part: Part): string[] {
  return entries(manifest)
    .filter((entry) => entry.manager === manager)
    .flatMap((entry) => owned(entry.fieldsV1, part));
}

function disown(manifest: Manifest, part: Part, key: string, except: string): void {
  for (const entry of entries(manifest)) {
    if (entry.manager === except || !owned(entry.fieldsV1, part).includes(key)) continue;
    const keys = Object.fromEntries(PARTS.map((name) => [name, owned(entry.fieldsV1, name)])) as Record<
      Part,
      string[]
    >;
    keys[part] = keys[part].filter((other) => other !== key);
    setOwned(manifest, entry.manager, entry.operation, keys);
  }
}

/** Gives to `manager` what an update (no apply) set: keys that are new or have a new value. */
export function recordUpdate(before: Manifest | undefined, after: Manifest, manager: string): void {
  const keys = { labels: [], annotations: [], data: [] } as Record<Part, string[]>;
  for (const part of PARTS) {
    const [olds, news] = [before ? partOf(before, part) : {}, partOf(after, part)];
    const mine = before
      ? entries(before)
          .filter((entry) => entry.manager === manager && entry.operation === "Update")
          .flatMap((entry) => owned(entry.fieldsV1, part))
      : [];
    keys[part] = Object.keys(news).filter((key) => mine.includes(key) || olds[key] !== news[key]);
    for (const key of Object.keys(news)) if (olds[key] !== news[key]) disown(after, part, key, manager);
    for (const key of Object.keys(olds)) if (!(key in news)) disown(after, part, key, "");
  }
  setOwned(after, manager, "Update", keys);
}

/**
 * Server-side apply: sets what `applied` holds, removes what `manager` applied before and applies no more, unless
 * another manager owns it too.
 *
 * @returns the conflicts, in the API's words; nothing is changed when there are some.
 */
export function applyFields(target: Manifest, applied: Manifest, manager: string, force: boolean): string[] {
  const conflicts: string[] = [];
  for (const part of PARTS) {
    const current = partOf(target, part);
    for (const [key, value] of Object.entries(partOf(applied, part))) {
      const owner = entries(target).find(
        (entry) => entry.manager !== manager && owned(entry.fieldsV1, part).includes(key),
      );
      if (owner && current[key] !== value && !force) {
        conflicts.push(
          `conflict with "${owner.manager}": .${part === "data" ? "" : "metadata."}${part}.${key}`,
        );
      }
    }
  }
  if (conflicts.length > 0) return conflicts;
  const keys = { labels: [], annotations: [], data: [] } as Record<Part, string[]>;
  for (const part of PARTS) {
    const current = { ...partOf(target, part) };
    const wanted = partOf(applied, part);
    const earlier = entries(target)
      .filter((entry) => entry.manager === manager && entry.operation === "Apply")
      .flatMap((entry) => owned(entry.fieldsV1, part));
    for (const [key, value] of Object.entries(wanted)) {
      if (current[key] !== value) disown(target, part, key, manager);
      current[key] = value;
    }
    for (const key of earlier) {
      const shared = entries(target).some(
        (entry) =>
          (entry.manager !== manager || entry.operation !== "Apply") &&
          owned(entry.fieldsV1, part).includes(key),
      );
      if (!(key in wanted) && !shared) delete current[key];
    }
    setPart(target, part, current);
    keys[part] = Object.keys(wanted);
  }
  setOwned(target, manager, "Apply", keys);
  return [];
}
