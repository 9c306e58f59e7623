import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DANGER_KINDS } from "../../src/deployment/dangers";
import { REPOSITORY } from "../support/example";
import { code, page, rowsWith } from "./markdown";

const text = page("docs/safety.md");
const dangers = rowsWith(text, "kind", "refused when", "what carries it", "with the plain CLI", "test");
const rows = [...dangers, ...rowsWith(text, "promise", "what carries it", "test")];

test("every kind of danger has its row, and no other", () => {
  expect(dangers.map(({ kind }) => code(kind)).sort()).toEqual(Object.keys(DANGER_KINDS).sort());
});

const secretRows = rowsWith(text, "promise", "what carries it", "test");

test("what promises about secrets name is there", () => {
  expect(secretRows.length).toBeGreaterThan(10);
  for (const { "what carries it": carrier, test: cell = "" } of secretRows) {
    expect([code(carrier), existsSync(join(REPOSITORY, code(carrier)))]).toEqual([code(carrier), true]);
    const [, file = "", title = ""] = /^`([^`]+)`: \*(.+)\*$/.exec(cell) ?? [];
    expect([title, readFileSync(join(REPOSITORY, file), "utf8").includes(`"${title}"`)]).toEqual([
      title,
      true,
    ]);
  }
});

test("every file that is named exists", () => {
  const named = rows.map((row) => code(row["what carries it"]));
  expect(named.filter((file) => file === "" || !existsSync(join(REPOSITORY, file)))).toEqual([]);
});

test("every row names a test that is there", () => {
  const missing = rows.filter(({ test: cell = "" }) => {
    const [, file = "", title = ""] = /^`([^`]+)`: \*(.+)\*$/.exec(cell) ?? [];
    return (
      !existsSync(join(REPOSITORY, file)) ||
      !readFileSync(join(REPOSITORY, file), "utf8").includes(`"${title}"`)
    );
  });
  expect(missing).toEqual([]);
});
