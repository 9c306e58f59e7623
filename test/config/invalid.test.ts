import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigurationError, formatProblem, parseProject } from "../../src/config";

/** One file per rule; the exact report stands beside it in a file of the same name. */
const FOLDER = join(__dirname, "invalid");
const names = (ending: string) =>
  readdirSync(FOLDER)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length));

function problemsOf(name: string): string[] {
  try {
    parseProject(readFileSync(join(FOLDER, `${name}.json`), "utf8"));
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.map(formatProblem);
    throw error;
  }
  return [];
}

test("every invalid configuration has its expected report, and the other way round", () => {
  expect(names(".json")).toEqual(names(".txt"));
  expect(names(".json").length).toBeGreaterThan(60);
});

test.each(names(".json"))("%s", (name) => {
  const expected = readFileSync(join(FOLDER, `${name}.txt`), "utf8");
  expect(problemsOf(name)).not.toEqual([]);
  expect(`${problemsOf(name).join("\n")}\n`).toBe(expected);
});

test("no report breaks its line, whatever the value", () => {
  for (const problem of names(".json").flatMap(problemsOf)) {
    expect(problem).not.toMatch(/[\u0000-\u001f]/);
  }
});
