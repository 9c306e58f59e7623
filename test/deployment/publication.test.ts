import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkPublication, publish, publishCommands } from "../../src/deployment/publication";

let folder: string;
let checkout: string;

function git(...args: string[]): string {
  const result = spawnSync("git", args, { cwd: checkout, encoding: "utf8" });
  if (result.status !== 0) throw new Error(result.stderr);
  return result.stdout;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "publication-"));
  checkout = join(folder, "checkout");
  mkdirSync(join(checkout, "flux"), { recursive: true });
  spawnSync("git", ["init", "--quiet", "--bare", join(folder, "remote.git")]);
  git("init", "--quiet", "--initial-branch=main");
  git("config", "user.name", "Test");
  git("config", "user.email", "test@test.example");
  git("remote", "add", "origin", join(folder, "remote.git"));
  writeFileSync(join(checkout, "flux", "a.yaml"), "host: example.com\n");
  writeFileSync(join(checkout, "README.md"), "readme\n");
  git("add", ".");
  git("commit", "--quiet", "-m", "first");
  git("push", "--quiet", "origin", "main");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a pushed tree is published", () => {
  expect(checkPublication(checkout, "main")).toEqual({ state: "published" });
});

test("changes that aren't committed are named; other files don't matter", () => {
  writeFileSync(join(checkout, "README.md"), "edited\n");
  expect(checkPublication(checkout, "main")).toEqual({ state: "published" });
  writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
  const publication = checkPublication(checkout, "main");
  expect(publication).toEqual({ state: "uncommitted", files: ["flux/a.yaml"] });
  expect(publishCommands(checkout, publication, "main")).toEqual([
    "git add flux",
    'git commit -m "Configure this project"',
    "git push origin HEAD:main",
  ]);
});

test("originals that a global gitignore hides are not published until they are committed", () => {
  writeFileSync(join(folder, "ignored"), "*.orig\n.backups/\n");
  git("config", "core.excludesFile", join(folder, "ignored"));
  for (const name of ["a.yaml.orig", "configured.txt", ".run/1", ".lock/owner"]) {
    mkdirSync(dirname(join(checkout, "flux/.backups", name)), { recursive: true });
    writeFileSync(join(checkout, "flux/.backups", name), "host: example.com\n");
  }
  const publication = checkPublication(checkout, "main");
  expect(publication).toEqual({
    state: "uncommitted",
    files: ["flux/.backups/a.yaml.orig", "flux/.backups/configured.txt"],
  });
  expect(publishCommands(checkout, publication, "main")).toContain("git add -f flux/.backups");
  publish(checkout, "main");
  expect(checkPublication(checkout, "main")).toEqual({ state: "published" });
  expect(git("ls-files", "flux/.backups").split("\n").slice(0, -1)).toEqual([
    "flux/.backups/a.yaml.orig",
    "flux/.backups/configured.txt",
  ]);
});

test("the project's own .gitignore keeps the originals in Git, whatever a global gitignore says", () => {
  copyFileSync(join(__dirname, "../../.gitignore"), join(checkout, ".gitignore"));
  writeFileSync(join(folder, "ignored"), "*.orig\n.backups/\n");
  git("config", "core.excludesFile", join(folder, "ignored"));
  const ignored = (path: string) =>
    spawnSync("git", ["check-ignore", "--quiet", path], { cwd: checkout }).status === 0;
  expect(ignored("flux/.backups/apps/a.yaml.orig")).toBe(false);
  expect(ignored("flux/.backups/configured.txt")).toBe(false);
  expect(ignored("flux/.backups/.run/1")).toBe(true);
  expect(ignored("flux/.backups/.lock/owner")).toBe(true);
});

test("a commit that isn't pushed is told apart", () => {
  writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
  git("commit", "--quiet", "-am", "second");
  expect(checkPublication(checkout, "main")).toEqual({ state: "unpushed" });
});

test("what can't be known is said with its reason", () => {
  expect(checkPublication(checkout, "other")).toEqual({
    state: "unknown",
    reason: "origin/other can't be fetched",
  });
  git("remote", "remove", "origin");
  expect(checkPublication(checkout, "main")).toEqual({
    state: "unknown",
    reason: "the checkout has no remote named origin",
  });
  expect(checkPublication(folder, "main")).toEqual({ state: "unknown", reason: "this is no Git checkout" });
});

describe("a remote that is not the repository that Flux reads", () => {
  const github = { owner: "acme", repository: "platform" };
  const remoteIs = (address: string) => git("remote", "set-url", "origin", address);

  test("is told before anything else, without the password in it, with the command that sets it", () => {
    writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
    remoteIs("https://me:sentinel@github.com/acme/other.git");
    const publication = checkPublication(checkout, "main", github);
    expect(publication).toEqual({
      state: "elsewhere",
      reason:
        'the remote origin is https://github.com/acme/other.git, and Flux reads acme/platform, as "github" in the configuration says',
      wanted: "https://github.com/acme/platform.git",
    });
    expect(publishCommands(checkout, publication, "main")).toEqual([
      "git remote set-url origin https://github.com/acme/platform.git",
      "git push origin HEAD:main",
    ]);
  });

  test.each([
    "git@github.com:Acme/Platform.git",
    "git@work:acme/platform",
    "ssh://git@github.com:22/acme/platform.git/",
    "https://github.com/acme/platform",
    "http://127.0.0.1:1/acme/platform.git",
  ])("%s is that repository", (address) => {
    remoteIs(address);
    writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
    expect(checkPublication(checkout, "main", github).state).toBe("uncommitted");
  });

  test("gets nothing: neither a commit is made nor pushed", () => {
    writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
    expect(() => publish(checkout, "main", github)).toThrow(
      /^Nothing was pushed: the remote origin is \S+remote\.git, and Flux reads acme\/platform/,
    );
    expect(git("log", "--format=%s", "--all").trim()).toBe("first");
  });
});

test("for whom secrets are encrypted belongs into Git beside them", () => {
  writeFileSync(join(checkout, ".sops.yaml"), "creation_rules: []\n");
  const publication = checkPublication(checkout, "main");
  expect(publication).toEqual({ state: "uncommitted", files: [".sops.yaml"] });
  expect(publishCommands(checkout, publication, "main")[0]).toBe("git add .sops.yaml flux");
});

test("publish commits flux/ and nothing else, and pushes", () => {
  writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
  writeFileSync(join(checkout, "README.md"), "edited\n");
  publish(checkout, "main");
  expect(checkPublication(checkout, "main")).toEqual({ state: "published" });
  expect(git("status", "--porcelain").trim()).toBe("M README.md");
});

test("a push that is refused says what git said", () => {
  rmSync(join(folder, "remote.git"), { recursive: true });
  writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
  expect(() => publish(checkout, "main")).toThrow(/git push failed: /);
});

test("a remote that pushes to another repository than it reads from gets nothing", () => {
  const github = { owner: "acme", repository: "platform" };
  const own = join(folder, "acme", "platform.git");
  spawnSync("git", ["init", "--quiet", "--bare", own]);
  git("remote", "set-url", "origin", own);
  git("remote", "set-url", "--push", "origin", join(folder, "remote.git"));
  writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
  expect(() => publish(checkout, "main", github)).toThrow(
    /^Nothing was pushed: the remote origin pushes to .*remote\.git, and Flux reads acme\/platform/,
  );
  expect(checkPublication(checkout, "main", github).state).toBe("elsewhere");
  const bare = join(folder, "remote.git");
  expect(spawnSync("git", ["log", "--format=%s", "main"], { cwd: bare, encoding: "utf8" }).stdout).toBe(
    "first\n",
  );
});
