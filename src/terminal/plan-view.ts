import Table from "cli-table3";
import { diffLines } from "diff";
import pc from "picocolors";
import { parse } from "yaml";
import {
  type Action,
  type AttributeChange,
  hasChanges,
  type ResourceChange,
  type StackPlan,
} from "../terraform";
import type { Output } from "./output";

/** Terraform's own signs, in ASCII. */
const SIGNS: Readonly<Record<Action, string>> = {
  create: "+",
  update: "~",
  replace: "-/+",
  destroy: "-",
  forget: ".",
  read: "<=",
};

/** So many changed attributes of one resource, or keys of one map, are listed; more are counted. */
const MOST_ATTRIBUTES = 12;
/** So many changed values of one document (a ConfigMap's values.yaml) are listed. */
const MOST_VALUES = 32;

/** What a plan does, as lines: one for each resource, with the attributes that change below it. */
export function planLines(plan: StackPlan): string[] {
  const { stack, changes, assumed } = plan;
  const counts = count(changes);
  const assumption = assumed.length > 0 ? pc.yellow(`  (assumed outputs of ${assumed.join(", ")})`) : "";
  const title = pc.bold(stack.name);
  if (!hasChanges(plan)) return [`${title}  no changes${assumption}`];
  const outputsOnly = changes.length === 0 ? "only outputs change" : summaryText(counts);
  const width = Math.max(0, ...changes.map(({ address }) => address.length));
  return [
    `${title}  ${outputsOnly}${assumption}`,
    ...changes.flatMap((change) => changeLines(change, width)),
  ];
}

/** Shows what plans do, one after the other. */
export function showPlans(output: Output, plans: readonly StackPlan[]): void {
  output.line();
  for (const plan of plans) output.line(planLines(plan).join("\n"));
  for (const note of plans.flatMap(({ notes = [] }) => notes)) output.line(`\nNote: ${note}`);
}

function changeLines(change: ResourceChange, width: number): string[] {
  const label = change.label ? pc.dim(`  ${change.label}`) : "";
  const address = label || note(change) ? change.address.padEnd(width) : change.address;
  const sign = change.action === "replace" && change.createFirst ? "+/-" : SIGNS[change.action];
  return [
    `  ${paint(change.action, `${sign.padEnd(3)} ${address}`)}${label}${paint(change.action, note(change))}`,
    ...attributesOf(change).flatMap(attributeLines),
  ];
}

/** What is worth telling of a change: computed values that follow from it are not, and a map of many keys is summed up. */
function attributesOf({ attributes }: ResourceChange): Array<AttributeChange | string> {
  const told = attributes.filter(isTold);
  const byMap = new Map<string, AttributeChange[]>();
  for (const attribute of told) {
    const map = /^[A-Za-z_]+(?=[.[])/.exec(attribute.path)?.[0] ?? attribute.path;
    byMap.set(map, [...(byMap.get(map) ?? []), attribute]);
  }
  const lines = [...byMap].flatMap(
    ([map, changes]): Array<AttributeChange | string> =>
      changes.length > MOST_ATTRIBUTES ? [`${map}: ${changes.length} keys change`] : changes,
  );
  const more = lines.length - MOST_ATTRIBUTES;
  return more > 0 ? [...lines.slice(0, MOST_ATTRIBUTES), `and ${more} more`] : lines;
}

function note({ action, createFirst }: ResourceChange): string {
  if (action === "replace")
    return createFirst
      ? "  REPLACED: the new one first, then the old one goes"
      : "  REPLACED: destroyed, then recreated";
  if (action === "forget") return "  left behind: it goes with its cluster";
  return action === "destroy" ? "  DESTROYED" : "";
}

/** One line of JSON that stands for the values below it, which are listed themselves. */
function isSummary({ before, after }: AttributeChange): boolean {
  return [before, after].every((text) => typeof text === "string" && text.startsWith("{"));
}

function isTold(attribute: AttributeChange): boolean {
  return attribute.forcesReplacement || !(attribute.unknown || isSummary(attribute));
}

function attributeLines(attribute: AttributeChange | string): string[] {
  if (typeof attribute === "string") return [pc.dim(`        ${attribute}`)];
  const { path, before, after, unknown, sensitive, forcesReplacement } = attribute;
  const force = forcesReplacement ? pc.red("  (forces the replacement)") : "";
  if (sensitive) return [`        ${path}: (sensitive)${force}`];
  if (unknown) return [`        ${path}: ${value(before)} -> (known after apply)${force}`];
  if (Array.isArray(before) && Array.isArray(after))
    return [`        ${path}: ${membersText(before, after)}${force}`];
  if (
    typeof before === "string" &&
    typeof after === "string" &&
    (before.includes("\n") || after.includes("\n"))
  ) {
    return [`        ${path}:`, ...documentLines(before, after)];
  }
  return [`        ${path}: ${value(before)} -> ${value(after)}${force}`];
}

/** A list as a set: `+ bob, - carl; ada stays`. */
function membersText(before: readonly unknown[], after: readonly unknown[]): string {
  const changes = [
    ...after.filter((one) => !before.includes(one)).map((one) => `+ ${one}`),
    ...before.filter((one) => !after.includes(one)).map((one) => `- ${one}`),
  ];
  const kept = after.filter((one) => before.includes(one));
  const stays = kept.length > 0 ? `; ${kept.join(", ")} ${kept.length === 1 ? "stays" : "stay"}` : "";
  return `${changes.join(", ")}${stays}`;
}

/** The changed values of a YAML document by their paths; the changed lines of any other text. */
function documentLines(before: string, after: string): string[] {
  const [old, fresh] = [leaves(before), leaves(after)];
  const lines =
    old && fresh
      ? [...new Set([...old.keys(), ...fresh.keys()])]
          .filter((path) => old.get(path) !== fresh.get(path))
          .map((path) => `${path}: ${old.get(path) ?? "(none)"} -> ${fresh.get(path) ?? "(none)"}`)
      : textDiff(before, after);
  const more = lines.length - MOST_VALUES;
  const shown = lines.slice(0, MOST_VALUES).map((line) => `          ${line}`);
  return more > 0 ? [...shown, pc.dim(`          and ${more} more`)] : shown;
}

function leaves(text: string): Map<string, string> | undefined {
  const found = new Map<string, string>();
  const visit = (path: string, part: unknown): void => {
    if (typeof part !== "object" || part === null) found.set(path, String(part));
    else for (const [key, inner] of Object.entries(part)) visit(path === "" ? key : `${path}.${key}`, inner);
  };
  try {
    const document: unknown = parse(text);
    if (typeof document !== "object" || document === null) return undefined;
    visit("", document);
    return found;
  } catch {
    return undefined;
  }
}

function textDiff(before: string, after: string): string[] {
  return diffLines(before, after).flatMap(({ added, removed, value: part }) => {
    if (!added && !removed) return [];
    const lines = part.replace(/\n$/, "").split("\n");
    return lines.map((line) => (added ? pc.green(`+ ${line}`) : pc.red(`- ${line}`)));
  });
}

function value(shown: unknown): string {
  const text = shown === undefined || shown === null ? "(none)" : JSON.stringify(shown);
  return text.length > 90 ? `${text.slice(0, 87)}...` : text;
}

function paint(action: Action, text: string): string {
  switch (action) {
    case "create":
      return pc.green(text);
    case "update":
      return pc.yellow(text);
    case "replace":
    case "destroy":
      return pc.bold(pc.red(text));
    default:
      return text;
  }
}

/** Numbers of resources by what happens to them. */
export interface Counts {
  readonly created: number;
  readonly changed: number;
  readonly replaced: number;
  readonly destroyed: number;
}

export function count(changes: readonly Pick<ResourceChange, "action">[]): Counts {
  const of = (action: Action): number => changes.filter((change) => change.action === action).length;
  return { created: of("create"), changed: of("update"), replaced: of("replace"), destroyed: of("destroy") };
}

export function addCounts(all: readonly Counts[]): Counts {
  const sum = (key: keyof Counts): number => all.reduce((total, counts) => total + counts[key], 0);
  return {
    created: sum("created"),
    changed: sum("changed"),
    replaced: sum("replaced"),
    destroyed: sum("destroyed"),
  };
}

/** `6 created, 1 replaced`; `no resources` when there are none. */
export function summaryText(counts: Counts): string {
  const parts = Object.entries(counts)
    .filter(([, number]) => number > 0)
    .map(([name, number]) =>
      name === "replaced" || name === "destroyed"
        ? pc.bold(pc.red(`${number} ${name}`))
        : `${number} ${name}`,
    );
  return parts.length > 0 ? parts.join(", ") : "no resources";
}

/** The summary of all stacks: a row each and one for all. Works on a dumb terminal: spaces, no lines. */
export function summaryTable(
  rows: ReadonlyArray<{ readonly name: string; readonly counts: Counts; readonly remark?: string }>,
): string {
  const none = Object.fromEntries(
    [
      "top",
      "top-mid",
      "top-left",
      "top-right",
      "bottom",
      "bottom-mid",
      "bottom-left",
      "bottom-right",
      "left",
      "left-mid",
      "mid",
      "mid-mid",
      "right",
      "right-mid",
    ].map((name) => [name, ""]),
  );
  const table = new Table({
    head: ["stack", "created", "changed", "replaced", "destroyed", ""],
    colAligns: ["left", "right", "right", "right", "right", "left"],
    chars: { ...none, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  const row = (name: string, { created, changed, replaced, destroyed }: Counts, remark = ""): string[] => [
    name,
    String(created),
    String(changed),
    replaced > 0 ? pc.bold(pc.red(String(replaced))) : "0",
    destroyed > 0 ? pc.bold(pc.red(String(destroyed))) : "0",
    remark,
  ];
  for (const { name, counts, remark } of rows) table.push(row(name, counts, remark));
  table.push(row("in all", addCounts(rows.map(({ counts }) => counts))));
  return table
    .toString()
    .split("\n")
    .map((line) => `  ${line.trimEnd()}`)
    .join("\n");
}
