import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/example";
import { isThere, page, rowsWith } from "./markdown";

const text = page("docs/systems.md");
const rows = rowsWith(text, "the document says", "file", "test");

/** Headings of the page: one for each of the original documents' systems. */
const SYSTEMS = ["Fluxgate", "Fade", "Mattermost and Nextcloud", "Traversion", "Chatbox"];

test("every system has its section with a table", () => {
  for (const system of SYSTEMS) {
    const [, section = ""] = text.split(new RegExp(`^## ${system}\\b.*$`, "m"));
    expect([system, section.split(/^## /m)[0]?.includes("| the document says")]).toEqual([system, true]);
  }
  expect(rows.length).toBeGreaterThan(150);
});

test("every file exists", () => {
  const named = rows.flatMap((row) =>
    [...(row.file ?? "").matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file),
  );
  expect(rows.filter((row) => !/`[^`]+`/.test(row.file ?? ""))).toEqual([]);
  expect(named.filter((file) => !isThere(file))).toEqual([]);
});

test("every row names a test that is there", () => {
  const missing = rows.filter(({ test: cell = "" }) => {
    const [, file, title] = /^`([^`]+)`: \*(.+)\*$/.exec(cell) ?? [];
    return file === undefined || title === undefined || !titlesOf(file).includes(plain(title));
  });
  expect(missing.map(({ test: cell }) => cell)).toEqual([]);
});

/** Titles in a test file; those with a placeholder of `each` count by what stands around it. */
function titlesOf(file: string): string[] {
  const path = [
    join(REPOSITORY, file),
    join(REPOSITORY, "test", file),
    join(REPOSITORY, "test/flux-tree", file),
  ].find((candidate) => existsSync(candidate));
  if (!path) return [];
  const source = readFileSync(path, "utf8");
  return [
    ...source.matchAll(/\b(?:it|test)(?:\.each\([\s\S]*?\))?\(\s*(["'`])((?:\\.|(?!\1)[\s\S])*)\1/g),
  ].map(([, , title = ""]) => plain(title.replace(/\\(.)/g, "$1")));
}

/** Without the characters that Markdown takes for itself. */
function plain(title: string): string {
  return title.replace(/\\([*_|`<>])/g, "$1").trim();
}
