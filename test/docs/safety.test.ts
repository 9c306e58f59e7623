import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DANGER_KINDS } from "../../src/deployment/dangers";
import { REPOSITORY } from "../support/example";
import { code, page, rowsWith } from "./markdown";

const text = page("docs/safety.md");
const dangers = rowsWith(text, "kind", "refused when", "what carries it", "with the plain CLI", "test");
const promises = rowsWith(text, "promise", "what carries it", "test");
const rows = [...dangers, ...promises];

test("every kind of danger has its row, and no other", () => {
  expect(dangers.map(({ kind }) => code(kind)).sort()).toEqual(Object.keys(DANGER_KINDS).sort());
});

test("every area has its promises", () => {
  const parts = text.split(/^## /m).slice(2);
  expect(parts.filter((part) => !part.includes("| promise |")).map((part) => part.split("\n")[0])).toEqual(
    [],
  );
  expect(parts.length).toBeGreaterThanOrEqual(6);
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
