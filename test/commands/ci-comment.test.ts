import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commentOf } from "../../src/commands/ci-comment";
import { emptyReport } from "../support/plan-report";

const directory = mkdtempSync(join(tmpdir(), "ci-comment-"));
afterAll(() => rmSync(directory, { recursive: true }));

function write(environment: string, text: string): void {
  mkdirSync(join(directory, `plan-${environment}`), { recursive: true });
  writeFileSync(join(directory, `plan-${environment}`, "plan.json"), text);
}
const comment = (...environments: string[]): string =>
  commentOf(directory, environments, { run: "https://github.example/run", commit: "0a1b2c3" });

test("a report that is cut off is named, and the other environments have theirs", () => {
  const report = JSON.stringify({ ...emptyReport(), summary: "Plan: 2 changed" });
  write("staging", report);
  write("production", report.slice(0, -20));
  const [, staging = "", production = ""] = comment("staging", "production").split("\n## ");
  expect(staging).toContain("### Plan: 2 changed");
  expect(production).toContain("plan-production/plan.json can't be read");
  expect(comment("staging", "qa")).toContain("## qa");
});

test("what a plan says mentions nobody, and brings no picture and no heading", () => {
  const note = "# @everyone ![](https://example.com/x.png)";
  write("loud", JSON.stringify({ ...emptyReport(), summary: note, notes: [note] }));
  const outside = comment("loud").replace(/^(`{3,}|~{3,}).*?^\1$/gms, "");
  expect(comment("loud")).toContain(note);
  expect(outside).not.toMatch(/(?<!\\)@everyone|(?<!\\)!\[\]/);
});
