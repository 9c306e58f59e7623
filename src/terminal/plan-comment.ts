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
  /** Why the report that is there can't be read. */
  readonly problem?: string;
}

/** A part of a comment in versions, the longest first. */
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

/** What the shortest version of a list takes at most; 0: its number only. The first one that fits for all environments counts. */
const FLOORS = [1200, 600, 300, 0] as const;

/**
 * The plans of environments as one comment, never longer than the limit. Where there is too little room, the parts that matter less are
 * shortened first: the plans of the stacks, notes, the table. Of every environment it keeps the summary, why a deploy would refuse the
 * plan, and what is destroyed: whole as long as it fits, then in lists that are all cut as short, then as numbers.
 * @param where the whole plans can be read, as Markdown
 */
export function planComment(
  environments: readonly ReportedEnvironment[],
  where = "the job's log",
  limit = LONGEST_COMMENT,
): string {
  const whole = composed(
    environments.flatMap((environment) => partsOf(environment, where, FLOORS[0])),
    ({ versions }) => versions[0],
  );
  if (whole.length <= limit) return whole;
  const hint = {
    rank: REFUSED,
    versions: [`Shortened: GitHub takes no longer comment. All of it: ${where}.`],
  };
  for (const floor of FLOORS) {
    const parts = [hint, ...environments.flatMap((environment) => partsOf(environment, where, floor))];
    const shortest = composed(parts, ({ versions }) => versions.at(-1));
    if (shortest.length <= limit) return filled(parts, limit);
  }
  return numbers(environments, hint, limit);
}

function composed(
  parts: readonly Part[],
  version: (part: Part, index: number) => string | undefined,
): string {
  const body = parts.map((part, index) => version(part, index) ?? "").filter((part) => part !== "");
  return `${[COMMENT_MARKER, ...body].join("\n\n")}\n`;
}

/** Of each part the longest version that there is room for, those that matter most first. */
function filled(parts: readonly Part[], limit: number): string {
  const chosen = parts.map(({ versions }) => versions.length - 1);
  const text = (index: number): string => parts[index]?.versions[chosen[index] ?? 0] ?? "";
  // An empty part stands for no empty line.
  const size = (version: string): number => (version === "" ? 0 : version.length + 2);
  let length = composed(parts, (_, index) => text(index)).length;
  // First a fair share for all parts of a rank, then what is left for those that come first.
  for (const rank of [REFUSED, FAILED, DESTROYED, OVERVIEW, NOTES, DETAILS]) {
    const ofRank = [...parts.keys()].filter((index) => parts[index]?.rank === rank);
    for (const share of [
      Math.floor((limit - length) / Math.max(1, ofRank.length)),
      Number.POSITIVE_INFINITY,
    ]) {
      for (const index of ofRank) {
        const before = size(text(index));
        const better = parts[index]?.versions.findIndex(
          (version) => size(version) - before <= Math.min(share, limit - length),
        );
        if (better === undefined || better < 0 || better >= (chosen[index] ?? 0)) continue;
        chosen[index] = better;
        length += size(text(index)) - before;
      }
    }
  }
  return composed(parts, (_, index) => text(index));
}

/** A line for each environment, or for as many as there is room for: those first that would be refused, fail or destroy something. */
function numbers(environments: readonly ReportedEnvironment[], hint: Part, limit: number): string {
  const isLoud = ({ report }: ReportedEnvironment): boolean =>
    report === undefined || report.refusal !== "" || report.failures.length + report.destroyed.length > 0;
  const loud = environments.filter(isLoud);
  const lines = [...loud, ...environments.filter((one) => !isLoud(one))].map(({ name = "", report }) => {
    const line = report
      ? [
          inline(report.summary),
          ...(report.refusal === "" ? [] : [`**refused** (${Math.max(1, report.refusals.length)})`]),
          ...(report.failures.length === 0 ? [] : [`not planned: ${report.failures.length}`]),
          ...(report.destroyed.length === 0 ? [] : [`destroyed or replaced: ${report.destroyed.length}`]),
        ].join("; ")
      : "its job failed";
    return `- ${shortened(`${name}: ${line}`, WIDTHS[2])}`;
  });
  const total = `${environments.length} environments, ${loud.length} of them with a refusal, a failure or something destroyed:`;
  const shown = (fitting: number): string => {
    const more = lines.length - fitting;
    const list = [...lines.slice(0, fitting), ...(more > 0 ? [`- … and ${more} more environments`] : [])];
    return composed([hint], () => [...hint.versions, total, list.join("\n")].join("\n\n"));
  };
  let fitting = lines.length;
  while (fitting > 0 && shown(fitting).length > limit) fitting--;
  return shown(fitting);
}

const shortened = (line: string, width: number): string =>
  line.length > width ? `${line.slice(0, width - 1)}…` : line;

/** A text in a line of Markdown or HTML: nothing in it formats, links, embeds or calls anybody. */
const inline = (text: string): string =>
  text
    .replace(/[\\`*_~[\]<>|&#!]/g, (character) => `&#${character.codePointAt(0)};`)
    .replaceAll("@", "@\u200b")
    .replace(/\s+/g, " ");

function partsOf({ name, report, problem }: ReportedEnvironment, where: string, floor: number): Part[] {
  const heading = name === undefined ? [] : [`## ${name}`];
  const fixed = (text: string): Part => ({ rank: REFUSED, versions: [text] });
  if (!report) {
    const why = problem === undefined ? "its job failed" : inline(shortened(problem, WIDTHS[1]));
    return [fixed([...heading, `There is no plan: ${why}, see ${where}.`].join("\n\n"))];
  }
  const { summary, refusal, refusals, failures, destroyed, notes, stacks } = report;
  return [
    fixed([...heading, `### ${inline(summary)}`].join("\n\n")),
    ...(refusal === "" ? [] : [refusalPart(refusal, refusals, where, floor)]),
    ...(failures.length === 0 ? [] : [failurePart(failures, where, floor)]),
    ...(destroyed.length === 0
      ? []
      : [{ rank: DESTROYED, versions: listVersions("**Destroyed or replaced:**", destroyed, where, floor) }]),
    { rank: OVERVIEW, versions: [table(stacks), ""] },
    ...(notes.length === 0
      ? []
      : [{ rank: NOTES, versions: [`**Notes:**\n\n${fenced(notes.join("\n"))}`, ""] }]),
    ...stacks.flatMap(({ name: stack, details }) =>
      details === undefined
        ? []
        : [
            {
              rank: DETAILS,
              versions: [
                fold(stack, details),
                `${inline(stack)}: too long for this comment, see ${where}.`,
                "",
              ],
            },
          ],
    ),
  ];
}

function refusalPart(refusal: string, refusals: readonly string[], where: string, floor: number): Part {
  const title = "**A deploy would refuse this:**";
  const lines = refusals.length > 0 ? refusals : [refusal.split("\n")[0] ?? ""];
  return {
    rank: REFUSED,
    versions: [`${title}\n\n${fenced(refusal)}`, ...listVersions(title, lines, where, floor)],
  };
}

function failurePart(failures: PlanReport["failures"], where: string, floor: number): Part {
  return {
    rank: FAILED,
    versions: [
      failures.map(({ stack, message }) => fold(`${stack} could not be planned`, message)).join("\n"),
      ...listVersions(
        "**Could not be planned:**",
        failures.map(({ stack, message }) => `${stack}: ${message.split("\n")[0]}`),
        where,
        floor,
      ),
    ],
  };
}

/** The longest line of a list in its shorter versions. */
const WIDTHS = [Number.POSITIVE_INFINITY, 300, 120] as const;

/** A list in whole, with shortened lines, and with as many lines as fit into the floor, or their number where that is 0. */
function listVersions(title: string, lines: readonly string[], where: string, floor: number): string[] {
  const list = (shown: readonly string[], more = 0): string =>
    `${title}\n\n${fenced([...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join("\n"))}${more > 0 ? `\n\nAll of them: ${where}.` : ""}`;
  const narrow = lines.map((line) => shortened(line, WIDTHS[2]));
  const within = (size: number): string => {
    let fitting = narrow.length;
    while (fitting > 1 && list(narrow.slice(0, fitting), narrow.length - fitting).length > size) fitting--;
    return list(narrow.slice(0, fitting), narrow.length - fitting);
  };
  return [
    ...WIDTHS.map((width) => list(lines.map((line) => shortened(line, width)))),
    ...FLOORS.filter((size) => size > 0 && size >= floor).map(within),
    ...(floor === 0 ? [`${title} ${lines.length}`] : []),
  ];
}

function table(stacks: PlanReport["stacks"]): string {
  const loud = (number: number): string => (number > 0 ? `**${number}**` : "0");
  return [
    "| stack | created | changed | replaced | destroyed |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...stacks.map(
      ({ name, assumed, counts: { created, changed, replaced, destroyed } }) =>
        `| ${inline(name)}${assumed ? " (assumed)" : ""} | ${created} | ${changed} | ${loud(replaced)} | ${loud(destroyed)} |`,
    ),
  ].join("\n");
}

function fold(title: string, text: string): string {
  return `<details><summary>${inline(title)}</summary>\n\n${fenced(text)}\n</details>`;
}

function fenced(text: string): string {
  // A fence longer than any in the text can't be closed by it.
  const fence = "`".repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `${fence}\n${text}\n${fence}`;
}
