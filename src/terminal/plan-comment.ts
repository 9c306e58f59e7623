import type { PlanReport } from "./plan-report";

/** By this line the comment on a pull request is found again, so that it is updated instead of repeated. */
export const COMMENT_MARKER = "<!-- hybrid-gitops:diff -->";

/** GitHub takes comments of at most 65,536 characters. */
export const LONGEST_COMMENT = 65_000;

export interface ReportedEnvironment {
  /** Absent for the only one, which needs no heading. */
  readonly name?: string;
  /** Absent when its job failed before there was a plan. */
  readonly report?: PlanReport;
}

/** A part of a comment in versions, the longest first. The last one is always affordable. */
interface Part {
  /** 0 matters most. */
  readonly rank: number;
  readonly versions: readonly string[];
}

const REFUSED = 0;
const FAILED = 1;
const DESTROYED = 2;
const OVERVIEW = 3;
const NOTES = 4;
const DETAILS = 5;

/**
 * The plans of environments as one comment. Where there is too little room, the parts that matter less are shortened first: the plans of
 * the stacks, notes, the table. Of every environment it keeps the summary, why a deploy would refuse the plan, and what is destroyed.
 * @param where the whole plans can be read, as Markdown
 */
export function planComment(
  environments: readonly ReportedEnvironment[],
  where = "the job's log",
  limit = LONGEST_COMMENT,
): string {
  const parts = environments.flatMap((environment) => partsOf(environment, where));
  const chosen = parts.map(({ versions }) => versions.length - 1);
  const text = (index: number): string => parts[index]?.versions[chosen[index] ?? 0] ?? "";
  let length = parts.reduce((sum, _, index) => sum + text(index).length + 2, COMMENT_MARKER.length + 1);
  const byRank = [...parts.keys()].sort((a, b) => (parts[a]?.rank ?? 0) - (parts[b]?.rank ?? 0) || a - b);
  // First a fair share for all parts of a rank, then what is left for those that come first.
  for (const rank of [REFUSED, FAILED, DESTROYED, OVERVIEW, NOTES, DETAILS]) {
    const ofRank = byRank.filter((index) => parts[index]?.rank === rank);
    for (const share of [
      Math.floor((limit - length) / Math.max(1, ofRank.length)),
      Number.POSITIVE_INFINITY,
    ]) {
      for (const index of ofRank) {
        const before = text(index).length;
        const better = parts[index]?.versions.findIndex(
          ({ length: size }) => size - before <= Math.min(share, limit - length),
        );
        if (better === undefined || better < 0 || better >= (chosen[index] ?? 0)) continue;
        chosen[index] = better;
        length += text(index).length - before;
      }
    }
  }
  const body = parts.map((_, index) => text(index)).filter((part) => part !== "");
  return `${[COMMENT_MARKER, ...body].join("\n\n")}\n`;
}

function partsOf({ name, report }: ReportedEnvironment, where: string): Part[] {
  const heading = name === undefined ? [] : [`## ${name}`];
  const fixed = (text: string): Part => ({ rank: REFUSED, versions: [text] });
  if (!report) return [fixed([...heading, `There is no plan: its job failed, see ${where}.`].join("\n\n"))];
  const { summary, refusal, refusals, failures, destroyed, notes, stacks } = report;
  return [
    fixed([...heading, `### ${summary}`].join("\n\n")),
    ...(refusal === "" ? [] : [refusalPart(refusal, refusals, where)]),
    ...(failures.length === 0 ? [] : [failurePart(failures, where)]),
    ...(destroyed.length === 0
      ? []
      : [{ rank: DESTROYED, versions: listVersions("**Destroyed or replaced:**", destroyed, where) }]),
    { rank: OVERVIEW, versions: [table(stacks), ""] },
    ...(notes.length === 0
      ? []
      : [{ rank: NOTES, versions: [notes.map((note) => `- ${note}`).join("\n"), ""] }]),
    ...stacks.flatMap(({ name: stack, details }) =>
      details === undefined
        ? []
        : [
            {
              rank: DETAILS,
              versions: [fold(stack, details), `${stack}: too long for this comment, see ${where}.`],
            },
          ],
    ),
  ];
}

function refusalPart(refusal: string, refusals: readonly string[], where: string): Part {
  const title = "**A deploy would refuse this:**";
  const lines = refusals.length > 0 ? refusals : [refusal.split("\n")[0] ?? ""];
  return {
    rank: REFUSED,
    versions: [`${title}\n\n${fenced(refusal)}`, ...listVersions(title, lines, where)],
  };
}

function failurePart(failures: PlanReport["failures"], where: string): Part {
  return {
    rank: FAILED,
    versions: [
      failures.map(({ stack, message }) => fold(`${stack} could not be planned`, message)).join("\n"),
      ...listVersions(
        "**Could not be planned:**",
        failures.map(({ stack, message }) => `${stack}: ${message.split("\n")[0]}`),
        where,
      ),
    ],
  };
}

/** The longest line of a list in its shorter versions. */
const WIDTHS = [Number.POSITIVE_INFINITY, 300, 120] as const;
/** What the shortest version takes at most: 12 environments with three such lists are far from GitHub's limit. */
const SHORTEST = 1200;

/** A list in whole, with shortened lines, and with as many lines as always fit. */
function listVersions(title: string, lines: readonly string[], where: string): string[] {
  const list = (shown: readonly string[], more = 0): string =>
    `${title}\n\n${fenced([...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join("\n"))}${more > 0 ? `\n\nAll of them: ${where}.` : ""}`;
  const shortened = (width: number): string[] =>
    lines.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
  const narrow = shortened(WIDTHS[2]);
  let fitting = narrow.length;
  while (fitting > 1 && list(narrow.slice(0, fitting), narrow.length - fitting).length > SHORTEST) fitting--;
  return [
    ...WIDTHS.map((width) => list(shortened(width))),
    list(narrow.slice(0, fitting), narrow.length - fitting),
  ];
}

function table(stacks: PlanReport["stacks"]): string {
  const loud = (number: number): string => (number > 0 ? `**${number}**` : "0");
  return [
    "| stack | created | changed | replaced | destroyed |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...stacks.map(
      ({ name, assumed, counts: { created, changed, replaced, destroyed } }) =>
        `| ${name}${assumed ? " (assumed)" : ""} | ${created} | ${changed} | ${loud(replaced)} | ${loud(destroyed)} |`,
    ),
  ].join("\n");
}

function fold(title: string, text: string): string {
  return `<details><summary>${title}</summary>\n\n${fenced(text)}\n</details>`;
}

function fenced(text: string): string {
  // A fence longer than any in the text can't be closed by it.
  const fence = "`".repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `${fence}\n${text}\n${fence}`;
}
