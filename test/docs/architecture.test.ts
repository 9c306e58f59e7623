import { code, page, rowsWith } from "./markdown";

const text = page("docs/architecture.md");
const rule = page("test/architecture/dependencies.test.ts");

test("the table of folders says what the test of the architecture enforces", () => {
  const table = /MAY_IMPORT[^=]*= \{([\s\S]*?)\n\};/.exec(rule)?.[1] ?? "";
  const enforced = [...table.matchAll(/"?([\w/-]+)"?: \[([^\]]*)\]/g)].map(([, folder, list = ""]) => ({
    folder,
    mayImport: [...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name),
  }));
  const documented = rowsWith(text, "folder", "what is in it", "may import").map((row) => ({
    folder: code(row.folder),
    mayImport: [...(row["may import"] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  }));

  expect(enforced.length).toBeGreaterThan(8);
  expect(documented).toEqual(enforced);
});

test("the page is short enough to be read", () => {
  expect(text.split("\n").length).toBeLessThanOrEqual(120);
});

test("the picture needs nothing from elsewhere and has both themes", () => {
  const picture = page("docs/architecture.svg");

  expect(picture.replace("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|<image|@import|url\((?!#)/);
  expect(picture).toMatch(/prefers-color-scheme: dark/);
  expect(picture).toMatch(/<title[\s\S]*<desc/);
  expect(text).toContain("(architecture.svg)");
});
