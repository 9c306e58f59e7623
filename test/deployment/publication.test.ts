import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkPublication, publish, publishCommands } from "../../src/deployment/publication";
import { GIT_ENVIRONMENT } from "../support/git-checkout";

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

test("a pushed tree is published", async () => {
  expect(await checkPublication(checkout, "main")).toEqual({ state: "published" });
});

test("changes that aren't committed are named; other files don't matter", async () => {
  writeFileSync(join(checkout, "README.md"), "edited\n");
  expect(await checkPublication(checkout, "main")).toEqual({ state: "published" });
  writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
  const publication = await checkPublication(checkout, "main");
  expect(publication).toEqual({ state: "uncommitted", files: ["flux/a.yaml"], remote: "origin" });
  expect(publishCommands(checkout, publication, "main")).toEqual([
    "git add flux",
    'git commit -m "Configure this project"',
    "git push origin HEAD:main",
  ]);
});

test("originals that a global gitignore hides are not published until they are committed", async () => {
  writeFileSync(join(folder, "ignored"), "*.orig\n.backups/\n");
  git("config", "core.excludesFile", join(folder, "ignored"));
  for (const name of ["a.yaml.orig", "configured.txt", ".run/1", ".lock/owner"]) {
    mkdirSync(dirname(join(checkout, "flux/.backups", name)), { recursive: true });
    writeFileSync(join(checkout, "flux/.backups", name), "host: example.com\n");
  }
  const publication = await checkPublication(checkout, "main");
  const ignored = ["flux/.backups/a.yaml.orig", "flux/.backups/configured.txt"];
  expect(publication).toEqual({ state: "uncommitted", files: ignored, ignored, remote: "origin" });
  expect(publishCommands(checkout, publication, "main")).toContain("git add -f flux/.backups");
  await publish(checkout, "main");
  expect(await checkPublication(checkout, "main")).toEqual({ state: "published" });
  expect(git("ls-files", "flux/.backups").split("\n").slice(0, -1)).toEqual(ignored);
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

test("a commit that isn't pushed is told apart", async () => {
  writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
  git("commit", "--quiet", "-am", "second");
  expect(await checkPublication(checkout, "main")).toEqual({ state: "unpushed", remote: "origin" });
});

test("a branch that the remote doesn't have yet has nothing of the checkout", async () => {
  expect(await checkPublication(checkout, "other")).toEqual({ state: "unpushed", remote: "origin" });
});

test("what the remote has and the checkout doesn't is nobody's to push", async () => {
  const other = join(folder, "other");
  spawnSync("git", ["clone", "--quiet", "--branch=main", join(folder, "remote.git"), other]);
  writeFileSync(join(other, "flux", "gotk.yaml"), "by: flux bootstrap\n");
  spawnSync("git", ["add", "."], { cwd: other });
  spawnSync("git", ["commit", "--quiet", "-m", "bootstrap"], { cwd: other, env: GIT_ENVIRONMENT });
  spawnSync("git", ["push", "--quiet", "origin", "main"], { cwd: other });
  expect(await checkPublication(checkout, "main")).toEqual({ state: "published" });
  writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
  git("commit", "--quiet", "-am", "diverged");
  expect(await checkPublication(checkout, "main")).toEqual({ state: "unpushed", remote: "origin" });
});

describe("what can't be compared is never published", () => {
  const unknown = (reason: RegExp | string, fix: RegExp | string) => ({
    state: "unknown",
    reason: expect.stringMatching(reason),
    fix: expect.stringMatching(fix),
  });

  test("a remote that doesn't answer", async () => {
    rmSync(join(folder, "remote.git"), { recursive: true });
    expect(await checkPublication(checkout, "main")).toEqual(
      unknown(/^origin\/main can't be read: .*remote\.git/, "git ls-remote origin"),
    );
  });

  test("a checkout whose index git can't read", async () => {
    writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
    writeFileSync(join(checkout, ".git", "index"), "no index");
    expect(await checkPublication(checkout, "main")).toEqual(
      unknown(/^git can't compare the files of this checkout: .*index/, /^repair it/),
    );
  });

  test.each(["skip-worktree", "assume-unchanged"])(
    "files that Git does not look at (%s), and the command that lets it",
    async (mark) => {
      writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
      git("update-index", `--${mark}`, "flux/a.yaml");
      expect(git("status", "--porcelain")).toBe("");
      const publication = await checkPublication(checkout, "main");
      expect(publication).toEqual({
        state: "unknown",
        reason: `Git does not look at flux/a.yaml, marked as ${mark}`,
        fix: `git ls-files -z infrastructure.config.json .sops.yaml flux secrets | git update-index --no-${mark} -z --stdin`,
      });
      spawnSync("sh", ["-c", "fix" in publication ? publication.fix : ""], { cwd: checkout });
      expect((await checkPublication(checkout, "main")).state).toBe("uncommitted");
    },
  );

  test("a sparse checkout without a part of flux/", async () => {
    git("sparse-checkout", "set", "docs");
    expect(await checkPublication(checkout, "main")).toEqual(
      unknown("Git does not look at flux/a.yaml: this is a sparse checkout", "git sparse-checkout disable"),
    );
    git("sparse-checkout", "disable");
    expect(await checkPublication(checkout, "main")).toEqual({ state: "published" });
  });

  test("a merge in progress, of which nothing is pushed", async () => {
    for (const [branch, host] of [
      ["theirs", "acme.dev"],
      ["ours", "acme.example"],
    ] as const) {
      git("checkout", "--quiet", "-b", branch, "main");
      writeFileSync(join(checkout, "flux", "a.yaml"), `host: ${host}\n`);
      git("commit", "--quiet", "-am", branch);
    }
    expect(() => git("merge", "theirs")).toThrow();
    expect(await checkPublication(checkout, "main")).toEqual(
      unknown(/^a merge is in progress/, "git merge --abort"),
    );
    await expect(publish(checkout, "main")).rejects.toThrow(
      /^Nothing was pushed: a merge is in progress in this checkout/,
    );
  });

  test("a checkout without a remote", async () => {
    git("remote", "remove", "origin");
    expect(await checkPublication(checkout, "main")).toEqual(
      unknown("the checkout has no remote", /^git remote add origin/),
    );
  });

  test("a directory without Git, such as an unpacked zip", async () => {
    expect(await checkPublication(folder, "main")).toEqual(unknown("this is no Git checkout", /^clone/));
  });

  test("a directory that Git ignores, or doesn't track, in the repository of something else", async () => {
    const zip = join(checkout, "unpacked");
    mkdirSync(join(zip, "flux"), { recursive: true });
    writeFileSync(join(zip, "package.json"), "{}\n");
    const untracked = unknown(
      /^no Git repository has this directory: .* tracks nothing in unpacked\/$/,
      /^clone/,
    );
    expect(await checkPublication(zip, "main")).toEqual(untracked);
    writeFileSync(join(checkout, ".gitignore"), "unpacked/\n");
    expect(await checkPublication(zip, "main")).toEqual(untracked);
  });

  test("a subfolder of a repository, pushed or not: Flux would not find its paths there", async () => {
    const project = join(checkout, "our platform");
    mkdirSync(join(project, "flux"), { recursive: true });
    writeFileSync(join(project, "flux", "a.yaml"), "host: example.com\n");
    git("add", ".");
    git("commit", "--quiet", "-m", "a project in a subfolder");
    const subfolder = {
      state: "subfolder",
      reason: expect.stringMatching(
        /^the project is in the subfolder our platform of its Git repository\. Flux resolves paths/,
      ),
      fix: expect.stringContaining("git subtree split --prefix='our platform' --branch project"),
    };
    expect(await checkPublication(project, "main")).toEqual(subfolder);
    git("push", "--quiet", "origin", "main");
    expect(await checkPublication(project, "main")).toEqual(subfolder);
    await expect(publish(project, "main")).rejects.toThrow(
      /^Nothing was pushed: the project is in the subfolder/,
    );
  });

  test("a repository without flux/, though the remote has all of it", async () => {
    git("rm", "-r", "--quiet", "flux");
    git("commit", "--quiet", "-m", "no tree");
    git("push", "--quiet", "origin", "main");
    expect(await checkPublication(checkout, "main")).toEqual({ state: "unpushed", remote: "origin" });
  });

  test("a configuration that Git ignores", async () => {
    writeFileSync(join(checkout, "infrastructure.config.json"), "{}\n");
    writeFileSync(join(checkout, ".git", "info", "exclude"), "*.config.json\n");
    const publication = await checkPublication(checkout, "main");
    const files = ["infrastructure.config.json"];
    expect(publication).toEqual({ state: "uncommitted", files, ignored: files, remote: "origin" });
    const commands = publishCommands(checkout, publication, "main");
    expect(commands.slice(0, 2)).toEqual(["git add flux", "git add -f infrastructure.config.json"]);
  });
});

describe("a remote that is not the repository that Flux reads", () => {
  const github = { owner: "acme", repository: "platform" };
  const remoteIs = (address: string) => git("remote", "set-url", "origin", address);

  test("is told before anything else, without the password in it, with the command that sets it", async () => {
    writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
    remoteIs("https://me:sentinel@github.com/acme/other.git");
    const publication = await checkPublication(checkout, "main", github);
    expect(publication).toEqual({
      state: "elsewhere",
      reason:
        'the remote origin is https://github.com/acme/other.git, and Flux reads acme/platform, as "github" in the configuration says',
      fix: "git remote set-url origin https://github.com/acme/platform.git",
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
    "git@github.com-work:acme/platform.git",
    "ssh://git@ssh.github.com:443/acme/platform.git",
  ])("%s is that repository", async (address) => {
    remoteIs(address);
    writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
    expect((await checkPublication(checkout, "main", github)).state).toBe("uncommitted");
  });

  const enterprise = { GITHUB_BASE_URL: "https://git.acme.example/api/v3/" };
  test.each([
    ["git@gitlab.com:acme/platform.git", {}, "github.com"],
    ["https://gitlab.com/acme/platform.git", {}, "github.com"],
    ["https://notgithub.com/acme/platform", {}, "github.com"],
    ["ssh://git@git.acme.example:2222/acme/platform.git", {}, "github.com"],
    ["git@github.com:acme/platform.git", enterprise, "git.acme.example"],
  ])(
    "%s (with %j) is on another host than the repository, whatever its name",
    async (address, variables, host) => {
      remoteIs(address);
      expect(await checkPublication(checkout, "main", github, variables)).toEqual({
        state: "elsewhere",
        reason: `the remote origin is ${address.replace("//git@", "//")}, and Flux reads acme/platform at ${host}, as "github" in the configuration says`,
        fix: `git remote set-url origin https://${host}/acme/platform.git`,
      });
      git("remote", "add", "upstream", `git@${host}:acme/platform.git`);
      writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
      expect(await checkPublication(checkout, "main", github, variables)).toMatchObject({
        state: "uncommitted",
        remote: "upstream",
      });
    },
  );

  test("gets nothing: neither a commit is made nor pushed", async () => {
    writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
    await expect(publish(checkout, "main", github)).rejects.toThrow(
      /^Nothing was pushed: the remote origin is \S+remote\.git, and Flux reads acme\/platform/,
    );
    expect(git("log", "--format=%s", "--all").trim()).toBe("first");
  });
});

test("for whom secrets are encrypted belongs into Git beside them", async () => {
  writeFileSync(join(checkout, ".sops.yaml"), "creation_rules: []\n");
  const publication = await checkPublication(checkout, "main");
  expect(publication).toEqual({ state: "uncommitted", files: [".sops.yaml"], remote: "origin" });
  expect(publishCommands(checkout, publication, "main")[0]).toBe("git add .sops.yaml flux");
});

test("publish commits flux/ and nothing else, and pushes", async () => {
  writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
  writeFileSync(join(checkout, "README.md"), "edited\n");
  await publish(checkout, "main");
  expect(await checkPublication(checkout, "main")).toEqual({ state: "published" });
  expect(git("status", "--porcelain").trim()).toBe("M README.md");
});

test("a push that is refused says what git said", async () => {
  rmSync(join(folder, "remote.git"), { recursive: true });
  writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
  await expect(publish(checkout, "main")).rejects.toThrow(/git push failed: /);
});

test("a remote that pushes to another repository than it reads from gets nothing", async () => {
  const github = { owner: "acme", repository: "platform" };
  const own = join(folder, "acme", "platform.git");
  spawnSync("git", ["init", "--quiet", "--bare", own]);
  git("remote", "set-url", "origin", own);
  git("remote", "set-url", "--push", "origin", join(folder, "remote.git"));
  writeFileSync(join(checkout, "flux", "a.yaml"), "host: acme.dev\n");
  await expect(publish(checkout, "main", github)).rejects.toThrow(
    /^Nothing was pushed: the remote origin pushes to .*remote\.git, and Flux reads acme\/platform/,
  );
  expect((await checkPublication(checkout, "main", github)).state).toBe("elsewhere");
  const bare = join(folder, "remote.git");
  expect(spawnSync("git", ["log", "--format=%s", "main"], { cwd: bare, encoding: "utf8" }).stdout).toBe(
    "first\n",
  );
});

test("a remote of any name is the one that Flux reads when its address says so", async () => {
  const github = { owner: "acme", repository: "platform" };
  const company = join(folder, "acme", "platform.git");
  spawnSync("git", ["init", "--quiet", "--bare", company]);
  git("remote", "add", "company", company);
  const before = await checkPublication(checkout, "main", github);
  expect(before).toEqual({ state: "unpushed", remote: "company" });
  expect(publishCommands(checkout, before, "main")).toEqual(["git push company HEAD:main"]);
  git("checkout", "--quiet", "--detach");
  await publish(checkout, "main", github);
  expect(await checkPublication(checkout, "main", github)).toEqual({ state: "published" });
});
