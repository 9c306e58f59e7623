import { stripVTControlCharacters } from "node:util";
import { hasChanges, type StackPlan } from "../terraform";
import { addCounts, count, planLines, summaryText } from "./plan-view";

/** By this line the comment on a pull request is found again, so that it is updated instead of repeated. */
export const COMMENT_MARKER = "<!-- hybrid-gitops:diff -->";

/** GitHub takes comments of at most 65,536 characters. */
const MOST_CHARACTERS = 60_000;

/**
 * All plans as one comment: why a deploy would refuse them (empty: it wouldn't), a table, and the plan of each stack that changes
 * folded away below it.
 */
export function planMarkdown(
  {
    plans,
    failures,
  }: {
    plans: readonly StackPlan[];
    failures: ReadonlyArray<{ stack: string; message: string }>;
  },
  refusal = "",
): string {
  const plain = (text: string): string => stripVTControlCharacters(text);
  const cell = (number: number, loud: boolean): string =>
    loud && number > 0 ? `**${number}**` : String(number);
  const total = addCounts(plans.map(({ changes }) => count(changes)));
  const rows = plans.map(({ stack, changes, assumed }) => {
    const { created, changed, replaced, destroyed } = count(changes);
    return `| ${stack.name}${assumed.length > 0 ? " (assumed)" : ""} | ${created} | ${changed} | ${cell(replaced, true)} | ${cell(destroyed, true)} |`;
  });
  const details = plans
    .filter(hasChanges)
    .map((plan) => fold(plan.stack.name, plain(planLines(plan).join("\n"))));
  const errors = failures.map(({ stack, message }) => fold(`${stack} could not be planned`, plain(message)));
  const body = [
    COMMENT_MARKER,
    failures.length > 0
      ? "### Plan failed"
      : `### Plan: ${plans.some(hasChanges) ? plain(summaryText(total)) : "no changes"}`,
    "",
    ...(refusal === "" ? [] : ["**A deploy would refuse this:**", "", fenced(plain(refusal)), ""]),
    ...plans.flatMap(({ notes = [] }) => notes).flatMap((note) => [`**Note:** ${plain(note)}`, ""]),
    "| stack | created | changed | replaced | destroyed |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...rows,
    "",
    ...errors,
    ...details,
  ].join("\n");
  return body.length > MOST_CHARACTERS
    ? `${body.slice(0, MOST_CHARACTERS)}\n\`\`\`\n\nCut here; the whole plan is in the job's log.\n`
    : `${body}\n`;
}

function fold(title: string, text: string): string {
  return `<details><summary>${title}</summary>\n\n${fenced(text)}\n</details>\n`;
}

function fenced(text: string): string {
  // A fence longer than any in the text can't be closed by it.
  const fence = "`".repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `${fence}\n${text}\n${fence}`;
}
