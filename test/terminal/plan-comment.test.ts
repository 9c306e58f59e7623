import { COMMENT_MARKER, LONGEST_COMMENT, planComment } from "../../src/terminal/plan-comment";
import type { PlanReport } from "../../src/terminal/plan-report";
import { emptyReport } from "../support/plan-report";

const NONE = { created: 0, changed: 0, replaced: 0, destroyed: 0 };
const empty = emptyReport();
/** An environment in which everything is too much. */
const crowded = (name: string, lines: number): { name: string; report: PlanReport } => {
  const each = (text: string): string[] => Array.from({ length: lines }, (_, index) => `${text} ${index}`);
  const refusals = each(`environments[0].cluster.region: ${name} would lose its volumes, and more besides`);
  return {
    name,
    report: {
      summary: `Plan: ${lines} replaced in ${name}`,
      refusal: [
        "A deploy would refuse this plan:",
        ...refusals.map((line) => `${line}\n${"why ".repeat(80)}`),
      ].join("\n\n"),
      refusals,
      failures: [{ stack: `${name}-flux-configuration`, message: each(`problem of ${name}`).join("\n") }],
      destroyed: each(`replaced: digitalocean_vpc.${name}`),
      notes: each("a note of some length"),
      stacks: [{ name: `${name}-cluster`, assumed: false, counts: NONE, details: "x".repeat(lines * 900) }],
    },
  };
};

test("a comment that fits has everything", () => {
  const { report } = crowded("staging", 3);
  const body = planComment([
    { name: "staging", report },
    { name: "production", report: empty },
  ]);
  expect(
    body.startsWith(
      `${COMMENT_MARKER}\n\n## staging\n\n### Plan: 3 replaced in staging\n\n**A deploy would refuse this:**`,
    ),
  ).toBe(true);
  for (const part of [report.refusal, report.stacks[0]?.details ?? "", ...report.destroyed, ...report.notes])
    expect(body).toContain(part);
  expect(body).toContain("## production\n\n### Plan: no changes");
  expect(body).not.toContain("too long");
});

test.each([1, 2, 6, 12])(
  "of %i long environments each keeps its summary, its refusals and what is destroyed",
  (number) => {
    const environments = Array.from({ length: number }, (_, index) => crowded(`environment-${index}`, 200));
    const body = planComment(environments, "[the run](https://example.com/run)");
    expect(body.length).toBeLessThanOrEqual(LONGEST_COMMENT);
    expect(LONGEST_COMMENT).toBeLessThan(65_536);
    for (const { name, report } of environments) {
      const start = body.indexOf(`## ${name}\n`);
      const section = body.slice(start).split("\n## ")[0] ?? "";
      expect(section).toContain(report.summary);
      expect(section).toContain("**A deploy would refuse this:**");
      expect(section).toContain(report.refusals[0]?.slice(0, 100));
      expect(section).toContain(`problem of ${name} 0`);
      expect(section).toContain("**Destroyed or replaced:**");
      expect(section).toContain(report.destroyed[0]);
      expect(section).toContain("[the run](https://example.com/run)");
    }
  },
);

test.each([
  [20, 200, /\*\*Destroyed or replaced:\*\*\n\n```\nreplaced: digitalocean_vpc[^`]*… and \d+ more/g],
  [30, 200, /\*\*Destroyed or replaced:\*\*\n\n```\nreplaced: digitalocean_vpc[^`]*… and \d+ more/g],
  [100, 40, /\*\*Destroyed or replaced:\*\*(?: 40|\n\n```\nreplaced: [^`]*)/g],
  [400, 40, /\*\*Destroyed or replaced:\*\* 40/g],
  [500, 40, /environment-\d+: Plan: .*; \*\*refused\*\* \(40\); not planned: 1; destroyed or replaced: 40/g],
])(
  "nor are %i too long for GitHub: each keeps its summary, and how much is refused and destroyed",
  (number, lines, destroyed) => {
    const environments = Array.from({ length: number }, (_, index) => crowded(`environment-${index}`, lines));
    const body = planComment(environments, "[the run](https://example.com/run)");
    expect(body.length).toBeLessThanOrEqual(LONGEST_COMMENT);
    expect(body.length).toBeGreaterThan(LONGEST_COMMENT / 3);
    expect(body).toContain("[the run](https://example.com/run)");
    for (const { report } of environments) expect(body).toContain(report.summary);
    expect(body.match(destroyed)).toHaveLength(number);
  },
);

test("of more environments than there is room for, those come first that lose something, with the number of the others", () => {
  const quiet = Array.from({ length: 3000 }, (_, index) => ({ name: `quiet-${index}`, report: empty }));
  const body = planComment([...quiet, crowded("production", 200)], "[the run](https://example.com/run)");
  expect(body.length).toBeLessThanOrEqual(LONGEST_COMMENT);
  expect(body).toMatch(
    /3001 environments, 1 of them with .*:\n\n- production: Plan: 200 replaced in production; \*\*refused\*\* \(200\)/,
  );
  expect(body).toMatch(/\n- … and \d+ more environments\n$/);
});

test("no length of a name, a summary or a line is too long", () => {
  const long = crowded("x".repeat(70_000), 3);
  const report = { ...long.report, summary: "y".repeat(70_000) };
  expect(planComment([{ ...long, report }]).length).toBeLessThanOrEqual(LONGEST_COMMENT);
});

test("one long environment takes nothing from the others", () => {
  const { report } = crowded("staging", 4);
  const body = planComment([crowded("production", 400), { name: "staging", report }]);
  expect(body.length).toBeLessThanOrEqual(LONGEST_COMMENT);
  for (const part of [report.refusal, ...report.destroyed]) expect(body).toContain(part);
});

test("what is left out first are the plans of the stacks, then notes", () => {
  const { report } = crowded("staging", 20);
  const whole = planComment([{ report }], "the log", 1_000_000);
  const shorter = planComment([{ report }], "the log", whole.length - 1);
  expect(shorter.includes("staging-cluster: too long for this comment, see the log.")).toBe(true);
  for (const part of [report.refusal, ...report.destroyed, ...report.notes]) expect(shorter).toContain(part);
});

test("an environment without a plan says where to look", () => {
  expect(planComment([{ name: "staging" }], "[the run](https://example.com/run)")).toContain(
    "## staging\n\nThere is no plan: its job failed, see [the run](https://example.com/run).",
  );
});

test("no text closes its fence", () => {
  const report = { ...empty, refusal: "````\n<script>", refusals: ["````"] };
  expect(planComment([{ report }])).toContain("`````\n````\n<script>\n`````");
});
