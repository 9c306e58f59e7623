import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../support/example";

const LOADER = join(REPOSITORY, "scripts", "load-bundle.mjs");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bundle-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(source: string): string {
  const file = join(folder, "bundle.js");
  writeFileSync(file, source);
  const program = `import(${JSON.stringify(LOADER)}).then(({ loadBundle }) => loadBundle(${JSON.stringify(file)}))`;
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", program], { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.trim();
}

test("a bundle that has changed by one digit does not run as it was, and one cache is kept", () => {
  const bundle = (limit: number) =>
    `function over(n) { return n > ${limit}; }\nfor (let i = 0; i < 1000; i++) over(i);\nconsole.log(over(5));\n`;
  expect([run(bundle(1)), run(bundle(1)), run(bundle(9)), run(bundle(9)), run(bundle(1))]).toEqual([
    "true",
    "true",
    "false",
    "false",
    "true",
  ]);
  expect(readdirSync(folder).filter((name) => name.endsWith(".cache"))).toHaveLength(1);
});
