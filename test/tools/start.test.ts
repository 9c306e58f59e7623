import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import * as nodeModule from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../support/example";

const COMPILE_CACHE = join(REPOSITORY, "dist", "compile-cache");

test("compiled code is kept by Node itself, which tells its versions apart, or not at all", () => {
  rmSync(COMPILE_CACHE, { recursive: true, force: true });
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(REPOSITORY, "scripts", "hybrid-gitops.mjs"), "check-config", "--help"],
    { encoding: "utf8" },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const kept = existsSync(COMPILE_CACHE) ? readdirSync(COMPILE_CACHE) : [];
  expect(kept).toEqual("enableCompileCache" in nodeModule ? [expect.stringContaining(process.version)] : []);
});

describe("a Node that is too old", () => {
  const folder = mkdtempSync(join(tmpdir(), "old-node-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("is refused with the version that is needed, before anything is installed", () => {
    // As an old Node says it: its version is all that is looked at.
    const preload = join(folder, "old.cjs");
    writeFileSync(
      preload,
      'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.11.1" } });\n',
    );
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--require", preload, join(REPOSITORY, "scripts", "hybrid-gitops.mjs"), "check-config"],
      { encoding: "utf8" },
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/^Node 20\.11\.1 is too old: version 20\.12 or later is needed/);
  });
});
