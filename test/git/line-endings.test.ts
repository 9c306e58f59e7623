import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../support/example";
import { copyProject, GIT_ENVIRONMENT, git } from "../support/git-checkout";

const folder = mkdtempSync(join(tmpdir(), "line-endings-"));
const origin = join(folder, "origin");
const clone = join(folder, "windows clone");
const CRLF = ["-c", "core.autocrlf=true", "-c", "core.eol=crlf"];

beforeAll(() => {
  copyProject(origin);
  git(origin, "init", "--quiet", "--initial-branch=main");
  git(origin, "add", "--all");
  git(origin, "commit", "--quiet", "-m", "first");
  git(folder, "clone", "--quiet", ...CRLF, origin, clone);
  symlinkSync(join(REPOSITORY, "node_modules"), join(clone, "node_modules"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (program: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: clone,
    encoding: "utf8",
    env: { ...GIT_ENVIRONMENT, NO_COLOR: "1", REPLACEMENTS: "example.com\tacme.example\n" },
  });
  return { status, stdout, stderr };
};
const configure = () => run(process.execPath, "dist/configure.js");

describe("a clone with core.autocrlf=true and core.eol=crlf", () => {
  test("has no carriage return in any text", () => {
    expect(git(clone, "config", "core.autocrlf")).toBe("true");
    const lines = git(clone, "ls-files", "--eol").split("\n");
    expect(lines.length).toBeGreaterThan(1000);
    expect(
      lines.filter((line) => /crlf|mixed/.test(line.split("\t")[0]?.replace(/attr.*/, "") ?? "")),
    ).toEqual([]);
  });

  test("runs setup.sh and check-config", () => {
    expect(run("sh", "setup.sh", "--help")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("Usage: ./setup.sh"),
      stderr: "",
    });
    copyFileSync(
      join(clone, "infrastructure.config.json.example"),
      join(clone, "infrastructure.config.json"),
    );
    expect(run(process.execPath, "scripts/hybrid-gitops.mjs", "check-config")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("The configuration is fine"),
    });
  });

  test("is configured, and its record holds in every other clone, whatever line ends a file in flux/ has", () => {
    const own = "flux/apps/own.yaml";
    writeFileSync(join(clone, own), "host: example.com\r\n");
    const first = configure();
    expect([first.status, first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toContain(own);
    git(clone, "add", "--all", "flux");
    git(clone, "commit", "--quiet", "-m", "configured");
    const other = join(folder, "other clone");
    git(folder, "clone", "--quiet", clone, other);
    for (const path of [own, `flux/.backups/${own.slice(5)}.orig`, "flux/.backups/configured.txt"])
      expect(readFileSync(join(other, path), "utf8")).toBe(readFileSync(join(clone, path), "utf8"));
    expect(readFileSync(join(other, own), "utf8")).toBe("host: acme.example\r\n");
  });
});

test("programs' own files are marked as generated", () => {
  const generated = ["package-lock.json", ".terraform.lock.hcl", "sandbox/schemas/github.json"];
  expect(git(origin, "check-attr", "linguist-generated", "--", ...generated).split("\n")).toEqual(
    generated.map((path) => `${path}: linguist-generated: set`),
  );
});
