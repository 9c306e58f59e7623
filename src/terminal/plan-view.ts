import Table from "cli-table3";
import { diffLines } from "diff";
import pc from "picocolors";
import {
  type Action,
  type AttributeChange,
  hasChanges,
  type ResourceChange,
  type StackPlan,
} from "../terraform";

/** Terraform's own signs, in ASCII. */
const SIGNS: Readonly<Record<Action, string>> = {
  create: "+",
  update: "~",
  replace: "-/+",
  destroy: "-",
  forget: ".",
  read: "<=",
};

/** So many changed attributes of one resource are listed; the rest is counted. */
const MOST_ATTRIBUTES = 12;

/** What a plan does, as lines: one for each resource, with the attributes that change below it. */
export function planLines(plan: StackPlan): string[] {
  const { stack, changes, assumed } = plan;
  const counts = count(changes);
  const assumption =
    assumed.length > 0 ? pc.yellow(`  (assumed: ${assumed.join(", ")} not deployed yet)`) : "";
  const title = pc.bold(stack.name);
  if (!hasChanges(plan)) return [`${title}  no changes${assumption}`];
  const outputsOnly = changes.length === 0 ? "only outputs change" : summaryText(counts);
  return [`${title}  ${outputsOnly}${assumption}`, ...changes.flatMap(changeLines)];
}

function changeLines(change: ResourceChange): string[] {
  const label = change.label ? pc.dim(`  ${change.label}`) : "";
  const sign = change.action === "replace" && change.createFirst ? "+/-" : SIGNS[change.action];
  return [
    `  ${paint(change.action, `${sign.padEnd(3)} ${change.address}${note(change)}`)}${label}`,
    ...change.attributes.filter(isTold).slice(0, MOST_ATTRIBUTES).flatMap(attributeLines),
    ...rest(change.attributes.filter(isTold).length - MOST_ATTRIBUTES),
  ];
}

function note({ action, createFirst }: ResourceChange): string {
  if (action === "replace")
    return createFirst
      ? "  REPLACED: the new one first, then the old one goes"
      : "  REPLACED: destroyed, then created anew";
  return action === "destroy" ? "  DESTROYED" : "";
}

/** Computed values that follow from a replacement tell nothing. */
function isTold({ unknown, forcesReplacement }: AttributeChange): boolean {
  return !unknown || forcesReplacement;
}

function attributeLines({
  path,
  before,
  after,
  unknown,
  sensitive,
  forcesReplacement,
}: AttributeChange): string[] {
  const force = forcesReplacement ? pc.red("  (forces the replacement)") : "";
  if (sensitive) return [`        ${path}: (sensitive)${force}`];
  if (unknown) return [`        ${path}: ${value(before)} -> (known after apply)${force}`];
  if (
    typeof before === "string" &&
    typeof after === "string" &&
    (before.includes("\n") || after.includes("\n"))
  ) {
    return [`        ${path}:`, ...textDiff(before, after)];
  }
  return [`        ${path}: ${value(before)} -> ${value(after)}${force}`];
}

/** The changed lines of a text, with the lines of the path to them in YAML left to the reader. */
function textDiff(before: string, after: string): string[] {
  return diffLines(before, after).flatMap(({ added, removed, value: part }) => {
    if (!added && !removed) return [];
    const lines = part.replace(/\n$/, "").split("\n");
    return lines.map((line) => `          ${added ? pc.green(`+ ${line}`) : pc.red(`- ${line}`)}`);
  });
}

function value(shown: unknown): string {
  const text = shown === undefined || shown === null ? "(none)" : JSON.stringify(shown);
  return text.length > 90 ? `${text.slice(0, 87)}...` : text;
}

function rest(more: number): string[] {
  return more > 0 ? [pc.dim(`        and ${more} more`)] : [];
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
