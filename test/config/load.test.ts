import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigurationError, EXAMPLE_FILE, loadProject, parseProject } from "../../src/config";

const example = readFileSync(join(__dirname, "..", "..", EXAMPLE_FILE), "utf8");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "configuration-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a missing file is told with the way to get one", () => {
  const file = join(folder, "infrastructure.config.json");
  expect(() => loadProject(file)).toThrow(
    new ConfigurationError("infrastructure.config.json", [
      {
        path: "infrastructure.config.json",
        problem: "the file is missing",
        expected: "a copy of infrastructure.config.json.example with your values (./setup.sh makes one)",
      },
    ]),
  );
});

test("a folder in its place is told with the reason", () => {
  expect(() => loadProject(folder)).toThrow(/can't be read \(EISDIR\), expected a readable file/);
});

test("a byte order mark and CRLF line ends do no harm", () => {
  const file = join(folder, "infrastructure.config.json");
  writeFileSync(file, `\uFEFF${example.replaceAll("\n", "\r\n")}`);
  expect(loadProject(file)).toEqual(parseProject(example));
});

test("the message of the error lists every problem on a line of its own", () => {
  const error = (() => {
    try {
      parseProject('{ "project": {}, "environments": [] }');
    } catch (thrown) {
      return thrown as ConfigurationError;
    }
    throw new Error("accepted");
  })();
  expect(error.problems.map(({ path }) => path)).toEqual([
    "project.name",
    "project.domain",
    "project.email",
    "environments",
  ]);
  expect(error.message.split("\n")).toHaveLength(1 + error.problems.length);
});
