import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { builtTool, MissingTool, runTool, toolPath, toolsDirectory } from "../../src/flux-tree/tools";

const { PATH, XDG_CACHE_HOME } = process.env;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "run-tool-"));
  process.env.PATH = folder;
  process.env.XDG_CACHE_HOME = path.join(folder, "cache");
});
afterEach(() => {
  process.env.PATH = PATH;
  if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
  rmSync(folder, { recursive: true, force: true });
});

function program(file: string, script: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

test.each([
  [
    "kubectl",
    /^kubectl is not installed: "mise install" installs the versions that this repository is tested with$/,
  ],
  ["helm", /^helm is not installed: .*"npm run tools" builds them where Go is installed$/],
] as const)("a missing %s is told with the way to get it", async (tool, message) => {
  const running = runTool(tool, []);
  await expect(running).rejects.toThrow(MissingTool);
  await expect(running).rejects.toThrow(message);
});

test("the tool of npm run tools goes before the one on PATH", async () => {
  program(path.join(folder, "helm"), "echo other");
  expect(toolPath("helm")).toBe("helm");
  expect(await runTool("helm", [])).toBe("other\n");
  program(builtTool("helm"), "echo tested");
  expect(toolPath("helm")).toBe(builtTool("helm"));
  expect(await runTool("helm", [])).toBe("tested\n");
});

test("the cache folder is the user's, or where XDG_CACHE_HOME says", () => {
  expect(toolsDirectory({ XDG_CACHE_HOME: "/somewhere" })).toBe("/somewhere/hybrid-gitops/tools");
  expect(toolsDirectory({})).toMatch(/\.cache[\\/]hybrid-gitops[\\/]tools$/);
});

test("a tool gets input and variables, and what it prints comes back", async () => {
  program(path.join(folder, "sops"), 'read line; echo "$line $WORD"');
  expect(await runTool("sops", [], { input: "hello\n", environment: { WORD: "world" } })).toBe(
    "hello world\n",
  );
});

test("a failure has the tool's own message; other accepted exit codes are none", async () => {
  program(path.join(folder, "sops"), "echo printed; echo reason >&2; exit 3");
  await expect(runTool("sops", [])).rejects.toThrow(/^reason$/);
  expect(await runTool("sops", [], { accepted: [0, 3] })).toBe("printed\n");
});

test("a tool that was killed has failed, whatever is accepted", async () => {
  program(path.join(folder, "sops"), "kill -9 $$");
  await expect(runTool("sops", [], { accepted: [0, 1] })).rejects.toThrow();
});
