import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DANGER_KINDS } from "../../src/deployment/dangers";
import { REPOSITORY } from "../support/example";
import { code, page, rowsWith } from "./markdown";

const text = page("docs/safety.md");
const rows = rowsWith(text, "kind", "refused when", "what carries it", "with the plain CLI", "test");

const promises = rowsWith(text, "promise", "what carries it", "test");

test("every kind of danger has its row, and no other", () => {
  expect(rows.map(({ kind }) => code(kind)).sort()).toEqual(Object.keys(DANGER_KINDS).sort());
});

test("every file that is named exists", () => {
  const named = [...rows, ...promises].map((row) => code(row["what carries it"]));
  expect(named.filter((file) => !file.endsWith(".ts") || !existsSync(join(REPOSITORY, file)))).toEqual([]);
});

test("what fails has its promises", () => {
  expect(promises.length).toBeGreaterThanOrEqual(10);
});

test("every row names a test that is there", () => {
  const missing = [...rows, ...promises].filter(({ test: cell = "" }) => {
    const [, file = "", title = ""] = /^`([^`]+)`: \*(.+)\*$/.exec(cell) ?? [];
    return (
      !existsSync(join(REPOSITORY, file)) ||
      !readFileSync(join(REPOSITORY, file), "utf8").includes(`"${title}"`)
    );
  });
  expect(missing).toEqual([]);
});
