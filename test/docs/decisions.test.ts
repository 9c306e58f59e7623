import { readdirSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/example";
import { page, rows, rowsWith } from "./markdown";

const files = readdirSync(join(REPOSITORY, "docs/decisions"))
  .filter((file) => file !== "README.md")
  .sort();
const MOST_LINES = 30;

test("the index lists every decision once, in order, by its title", () => {
  const listed = rowsWith(page("docs/decisions/README.md"), "number", "decision").map((row) => {
    const [, number, file] = /^\[(\d{4})\]\(([^)]+)\)$/.exec(row.number ?? "") ?? [];
    return { file, heading: `# ${number}. ${row.decision}` };
  });

  expect(listed).toEqual(
    files.map((file) => ({ file, heading: page(`docs/decisions/${file}`).split("\n")[0] })),
  );
});

test("each decision has a number of its own", () => {
  const numbers = files.map((file) => file.slice(0, 4));
  expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).toEqual([]);
  expect(files.filter((file) => !/^\d{4}-[a-z0-9-]+\.md$/.test(file))).toEqual([]);
});

test.each(files)("%s has a date, a context and is short", (file) => {
  const text = page(`docs/decisions/${file}`);

  expect(text).toMatch(/^Date: \d{4}-\d{2}$/m);
  expect(text).toMatch(/^(?:## )?Context/m);
  expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(MOST_LINES);
});

test("the libraries that the decision lists are the ones in package.json, with their licences", () => {
  const manifest = JSON.parse(page("package.json"));
  const dependencies = { ...manifest.dependencies, ...manifest.devDependencies };
  const listed = rows(page("docs/decisions/0013-libraries.md")).flatMap((row) => {
    const all = (row.licence ?? "").split(", ");
    return (row.package ?? "").split(", ").map((name, index) => ({ name, licence: all[index] ?? "" }));
  });

  expect(listed.length).toBeGreaterThan(10);
  for (const { name, licence } of listed) {
    expect(dependencies).toHaveProperty([name]);
    const installed = JSON.parse(page(`node_modules/${name}/package.json`)).license.replace(/[()]/g, "");
    expect(`${name}: ${licence.replace(" or ", " OR ")}`).toBe(`${name}: ${installed}`);
  }
});
