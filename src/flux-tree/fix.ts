import { lstatSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { isMap, isScalar, isSeq, type Pair, type YAMLMap, type YAMLSeq } from "yaml";
import { writeWhole } from "../files";
import { VALUES_CONFIG_MAP, VARIABLE_PREFIX, VARIABLES_CONFIG_MAP } from "../flux";
import { referencesIn, spelling, VARIABLE_NAME } from "./substitution";
import type { FluxTree, Manifest } from "./tree";
import { TreeFile } from "./tree-file";

/** Something that was rewritten, or that only a person can do. */
export interface Fix {
  /** File and line, as they were before. */
  readonly place: string;
  readonly text: string;
}

export interface FixResult {
  readonly changes: readonly Fix[];
  /** What still has to be done by hand for the changes to work. */
  readonly left: readonly Fix[];
}

/** A part of a file's text and what takes its place. */
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * Rewrites what the original documents write and Flux can't do: the dotted form of variables, and `valuesFrom` with
 * `targetPath` on infrastructure-config. Only these texts change; comments and formatting stay as they are. Files that are no
 * YAML are left alone.
 */
export function fixTree(tree: FluxTree): FixResult {
  const results = tree.files().map((name) => {
    const file = new TreeFile(tree, name);
    if (file.problem !== undefined) return { changes: [], left: [] };
    const { text, changes, left } = fixFile(file);
    if (text === file.text) return { changes, left };
    const obstacle = whyNotWritten(path.join(tree.directory, name), file.text);
    if (obstacle !== undefined)
      return {
        changes: [],
        left: changes.map(({ place, text: change }) => ({
          place,
          text: `${change} (not done: ${obstacle})`,
        })),
      };
    writeWhole(path.join(tree.directory, name), text);
    return { changes, left };
  });
  return { changes: results.flatMap(({ changes }) => changes), left: results.flatMap(({ left }) => left) };
}

/** As fixTree, for the text of a file. */
export function fixFile(file: TreeFile): FixResult & { readonly text: string } {
  const edits: Edit[] = [];
  const changes: Fix[] = [];
  const left: Fix[] = [];
  for (const text of file.texts()) {
    const dotted = referencesIn(text.source).filter(
      ({ name, valid }) =>
        !valid && name.startsWith(`${VARIABLE_PREFIX}.`) && VARIABLE_NAME.test(spelling(name)),
    );
    const [only] = dotted;
    const [from] = text.range;
    if (only && !text.flow && /^(["'])\$\{[^}]*\}\1$/.test(text.source)) {
      const plain = only.text.replace(only.name, spelling(only.name));
      edits.push({ from, to: text.range[1], text: plain });
      changes.push({ place: file.placeOf(from), text: `${text.source} → ${plain}` });
      continue;
    }
    for (const { name, offset, text: written } of dotted) {
      const renamed = written.replace(name, spelling(name));
      edits.push({ from: from + offset, to: from + offset + written.length, text: renamed });
      changes.push({ place: file.placeOf(from + offset), text: `${written} → ${renamed}` });
    }
  }
  for (const document of file.documents) {
    if (!isMap(document.contents)) continue;
    const manifest = document.toJS() as Manifest;
    if (manifest.kind !== "HelmRelease") continue;
    fixValuesFrom(file, { release: document.contents, manifest, edits, changes, left });
  }
  return { text: applied(file.text, edits), changes, left };
}

interface ReleaseContext {
  readonly release: YAMLMap;
  readonly manifest: Manifest;
  readonly edits: Edit[];
  readonly changes: Fix[];
  readonly left: Fix[];
}

function fixValuesFrom(file: TreeFile, { release, manifest, edits, changes, left }: ReleaseContext): void {
  const sources = release.getIn(["spec", "valuesFrom"]);
  if (!isSeq(sources)) return;
  const wrong = sources.items.filter(
    (item): item is YAMLMap =>
      isMap(item) && item.get("name") === VALUES_CONFIG_MAP && item.get("targetPath") !== undefined,
  );
  if (wrong.length === 0) return;
  const place = file.placeOf(wrong[0]?.range?.[0] ?? 0);
  if (manifest.spec?.chart?.spec?.sourceRef?.kind === "GitRepository") {
    for (const item of wrong) edits.push(lineOf(file.text, pairOf(item, "targetPath")));
    changes.push({
      place,
      text: "targetPath removed: the chart gets the document at the root of its values",
    });
  } else {
    edits.push(...withoutItems(file.text, { release, sources, wrong }));
    changes.push({
      place,
      text: `${VALUES_CONFIG_MAP} removed from valuesFrom: Flux substitutes the variables in the values`,
    });
    left.push({
      place,
      text: `the Flux Kustomization that applies this file needs spec.postBuild.substituteFrom with the ConfigMap ${VARIABLES_CONFIG_MAP}`,
    });
  }
  if (manifest.metadata?.namespace !== "flux-system") {
    left.push({
      place,
      text: `set metadata.namespace to flux-system and spec.targetNamespace to ${manifest.metadata?.namespace ?? "the application's namespace"}, as the other releases have it`,
    });
  }
}

function pairOf(map: YAMLMap, key: string): Pair {
  const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key);
  if (!pair) throw new Error(`no ${key}`);
  return pair;
}

const beginOf = (pair: Pair): number => (isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0);
const endOf = (node: unknown): number => (node as { range?: [number, number, number] }).range?.[1] ?? 0;

/** The whole lines of a key and its value; only the key where it stands behind the dash of a list. */
function lineOf(text: string, pair: Pair): Edit {
  const from = beginOf(pair);
  const to = lineEnd(text, endOf(pair.value));
  const lineStart = text.lastIndexOf("\n", from - 1) + 1;
  const before = text.slice(lineStart, from);
  if (before.trim() === "") return { from: lineStart, to, text: "" };
  // The next key takes its place behind the dash.
  const indent = /^\s*/.exec(text.slice(to))?.[0].length ?? 0;
  return { from, to: to + indent, text: "" };
}

function withoutItems(
  text: string,
  { release, sources, wrong }: { release: YAMLMap; sources: YAMLSeq; wrong: readonly YAMLMap[] },
): Edit[] {
  if (wrong.length === sources.items.length) {
    const spec = release.get("spec");
    return isMap(spec) ? [lineOf(text, pairOf(spec, "valuesFrom"))] : [];
  }
  return wrong.map((item) => {
    const begin = item.range?.[0] ?? 0;
    const from = text.lastIndexOf("\n", begin - 1) + 1;
    return { from, to: lineEnd(text, endOf(item)), text: "" };
  });
}

/** Behind the line break that ends the line; a place at a line's beginning belongs to the line before. */
function lineEnd(text: string, offset: number): number {
  if (text[offset - 1] === "\n") return offset;
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end + 1;
}

/** Later places first, so that the earlier ones stay where they are. What lies in a part that goes, goes with it. */
function applied(text: string, edits: readonly Edit[]): string {
  const outer = edits.filter(
    (edit) =>
      !edits.some(
        (other) => other !== edit && other.text === "" && other.from <= edit.from && edit.to <= other.to,
      ),
  );
  return [...outer]
    .sort((a, b) => b.from - a.from)
    .reduce(
      (result, { from, to, text: replacement }) => result.slice(0, from) + replacement + result.slice(to),
      text,
    );
}

/** Why a file is left as it is; undefined when it can be rewritten without harm. */
function whyNotWritten(file: string, text: string): string | undefined {
  const { mode, nlink } = statSync(file);
  if (lstatSync(file).isSymbolicLink()) return "the file is a link; change what it leads to";
  if (nlink > 1) return "the file has several names (hard links)";
  if ((mode & 0o200) === 0) return "the file is read-only";
  // Bytes that are no UTF-8 were read as something else and would be lost.
  return readFileSync(file).equals(Buffer.from(text)) ? undefined : "the file is not UTF-8";
}
