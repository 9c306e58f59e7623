import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeCheckout, runGit } from "../../src/git";
import { git } from "../support/git-checkout";

let folder: string;
let checkout: string;
const environment = { ...process.env };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "checkouts-"));
  checkout = repository(join(folder, "checkout"));
});
afterEach(() => {
  process.env = { ...environment };
  rmSync(folder, { recursive: true, force: true });
});

/** A repository with a commit of a project at its root. */
function repository(path: string): string {
  mkdirSync(join(path, "flux"), { recursive: true });
  git(path, "init", "--quiet", "--initial-branch=main");
  writeFileSync(join(path, "flux", "a.yaml"), "a: 1\n");
  git(path, "add", ".");
  git(path, "commit", "--quiet", "-m", "first");
  return path;
}

const head = (path = checkout) => git(path, "rev-parse", "HEAD");
const atRoot = { kind: "checkout", prefix: "", shallow: false };

describe("is a checkout like any other", () => {
  test("at the root of a repository", async () => {
    expect(await describeCheckout(checkout)).toEqual({ ...atRoot, branch: "main", commit: head() });
  });

  test("before the first commit", async () => {
    const fresh = join(folder, "fresh");
    git(folder, "init", "--quiet", "--initial-branch=main", fresh);
    expect(await describeCheckout(fresh)).toEqual({ ...atRoot, branch: "main" });
  });

  test("with a detached HEAD", async () => {
    git(checkout, "checkout", "--quiet", "--detach");
    expect(await describeCheckout(checkout)).toEqual({ ...atRoot, commit: head() });
  });

  test("a worktree", async () => {
    const worktree = join(folder, "worktree");
    git(checkout, "worktree", "add", "--quiet", "-b", "feature", worktree);
    expect(await describeCheckout(worktree)).toEqual({ ...atRoot, branch: "feature", commit: head() });
  });

  test("a submodule of another repository", async () => {
    const outer = repository(join(folder, "outer"));
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", checkout, "platform");
    expect(await describeCheckout(join(outer, "platform"))).toEqual({
      ...atRoot,
      branch: "main",
      commit: head(),
    });
  });

  test("a shallow clone, which is called that", async () => {
    git(checkout, "commit", "--quiet", "--allow-empty", "-m", "second");
    const shallow = join(folder, "shallow");
    git(folder, "clone", "--quiet", "--depth=1", `file://${checkout}`, shallow);
    expect(await describeCheckout(shallow)).toEqual({
      ...atRoot,
      shallow: true,
      branch: "main",
      commit: head(),
    });
  });

  test("in a path with spaces and other characters", async () => {
    const odd = repository(join(folder, "Ünsere Plattform 'prod' $HOME"));
    expect(await describeCheckout(odd)).toEqual({ ...atRoot, branch: "main", commit: head(odd) });
    writeFileSync(join(odd, "flux", "größe.yaml"), "a: 1\n");
    expect((await runGit(odd, ["ls-files", "--others"])).output).toBe("flux/größe.yaml");
  });

  test("without HOME", async () => {
    for (const name of ["HOME", "XDG_CONFIG_HOME"]) delete process.env[name];
    expect(await describeCheckout(checkout)).toMatchObject({ ...atRoot, commit: head() });
  });

  test("when a hook has set GIT_DIR and its like to another repository", async () => {
    const other = repository(join(folder, "other"));
    git(other, "commit", "--quiet", "--allow-empty", "-m", "of the other one");
    Object.assign(process.env, {
      GIT_DIR: join(other, ".git"),
      GIT_WORK_TREE: other,
      GIT_INDEX_FILE: join(other, ".git", "index"),
      GIT_PREFIX: "flux/",
    });
    expect(await describeCheckout(checkout)).toEqual({ ...atRoot, branch: "main", commit: head() });
  });

  test("in the middle of nothing, though another worktree is in the middle of a merge", async () => {
    const worktree = join(folder, "worktree");
    git(checkout, "worktree", "add", "--quiet", "-b", "feature", worktree);
    conflict(worktree, "merge");
    expect(await describeCheckout(checkout)).toEqual({ ...atRoot, branch: "main", commit: head() });
  });

  test("on a branch that has the name of a tag", async () => {
    git(checkout, "tag", "main");
    expect(await describeCheckout(checkout)).toEqual({ ...atRoot, branch: "main", commit: head() });
  });

  test("through a link", async () => {
    symlinkSync(checkout, join(folder, "link"));
    expect(await describeCheckout(join(folder, "link"))).toMatchObject(atRoot);
  });
});

/** Begins an operation that two commits of the same line keep from its end. */
function conflict(path: string, operation: string): void {
  const write = (text: string, branch: string, ...options: string[]) => {
    git(path, "checkout", "--quiet", ...options, branch);
    writeFileSync(join(path, "flux", "a.yaml"), `a: ${text}\n`);
    git(path, "commit", "--quiet", "-am", text);
  };
  const base = git(path, "rev-parse", "HEAD");
  write("2", "theirs", "-b");
  const other = git(path, "rev-parse", "HEAD");
  git(path, "checkout", "--quiet", base);
  write("3", "ours", "-b");
  if (operation === "am") {
    const patch = join(folder, "a.patch");
    writeFileSync(patch, `${git(path, "format-patch", "-1", "--stdout", other)}\n`);
    expect(() => git(path, "am", "--quiet", patch)).toThrow();
  } else if (operation === "revert") expect(() => git(path, "revert", "--no-edit", other)).toThrow();
  else expect(() => git(path, operation, other)).toThrow();
}

test.each(["merge", "rebase", "cherry-pick", "revert", "am"])(
  "in the middle of a %s a checkout stands for no commit, and says how that ends",
  async (operation) => {
    conflict(checkout, operation);
    const unfinished = {
      kind: "unusable",
      problem: `a ${operation} is in progress in this checkout, so that its files are of no commit`,
      fix: `finish it (git ${operation} --continue), or take it back (git ${operation} --abort)`,
    };
    expect(await describeCheckout(checkout)).toEqual(unfinished);
    git(checkout, operation, "--abort");
    expect(await describeCheckout(checkout)).toMatchObject({ ...atRoot, branch: "ours" });
  },
);

test("a subfolder of a repository has its prefix, also when it is reached through a link", async () => {
  const project = join(checkout, "\ninfra", "plat\nform");
  mkdirSync(join(project, "flux"), { recursive: true });
  writeFileSync(join(project, "flux", "a.yaml"), "a: 1\n");
  git(checkout, "add", ".");
  symlinkSync(project, join(folder, "link"));
  for (const path of [project, join(folder, "link")])
    expect(await describeCheckout(path)).toMatchObject({ kind: "checkout", prefix: "\ninfra/plat\nform/" });
});

describe("is no checkout, and says what it is", () => {
  test("without Git", async () => {
    expect(await describeCheckout(folder)).toEqual({
      kind: "none",
      problem: "this is no Git checkout",
      fix: "clone the project's repository with git and work there (copy state/, .env and .secrets/ into the clone)",
    });
  });

  test("unpacked where another repository lies around it", async () => {
    const zip = join(checkout, "unpacked");
    mkdirSync(zip);
    expect(await describeCheckout(zip)).toMatchObject({
      kind: "none",
      problem: "no Git repository has this directory: the one around it tracks nothing in unpacked/",
    });
  });

  test("of another owner: git's own word for it, and the command that trusts it", async () => {
    // What git itself takes every directory for in its own tests.
    process.env.GIT_TEST_ASSUME_DIFFERENT_OWNER = "1";
    expect(await describeCheckout(checkout)).toEqual({
      kind: "unusable",
      problem: "this checkout belongs to another user, so git refuses to read it (dubious ownership)",
      fix: `if you trust it: git config --global --add safe.directory ${checkout}`,
    });
  });

  test("whose repository is gone, as of a worktree", async () => {
    const worktree = join(folder, "worktree");
    git(checkout, "worktree", "add", "--quiet", worktree);
    rmSync(join(checkout, ".git"), { recursive: true });
    expect(await describeCheckout(worktree)).toMatchObject({
      kind: "unusable",
      problem: expect.stringMatching(/^git can't read this checkout: not a git repository: /),
    });
  });

  test("on a machine without git", async () => {
    process.env.PATH = join(folder, "empty");
    expect(await describeCheckout(checkout)).toEqual({
      kind: "unusable",
      problem: "git is not installed",
      fix: "install it (git-scm.com/downloads)",
    });
  });

  test("in Git's own directory", async () => {
    expect(await describeCheckout(join(checkout, ".git"))).toMatchObject({ kind: "none" });
  });
});

test("git that hangs ends after its time, with everything that it started", async () => {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "git"), "#!/bin/sh\nsleep 20\n");
  chmodSync(join(bin, "git"), 0o755);
  process.env.PATH = `${bin}:${environment.PATH}`;
  const begun = Date.now();
  const run = await runGit(checkout, ["-C", "."], { timeoutMs: 300 });
  expect(run).toEqual({ ok: false, output: "", problem: "git -C did not end within 0.3 s" });
  expect(Date.now() - begun).toBeLessThan(10_000);
});
