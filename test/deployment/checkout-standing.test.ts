import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Project } from "../../src/config";
import {
  checkoutStanding,
  courseFrom,
  describeStanding,
  type Standing,
} from "../../src/deployment/checkout-standing";
import { git } from "../support/git-checkout";

const CONFIGURATION = "infrastructure.config.json";
let folder: string;
let remote: string;
/** A colleague's checkout, and ours. */
let theirs: string;
let ours: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "standing-"));
  remote = join(folder, "acme", "platform.git");
  git(folder, "init", "--quiet", "--bare", "--initial-branch=main", remote);
  theirs = clone("theirs");
  commit(theirs, CONFIGURATION, "6 nodes");
  git(theirs, "push", "--quiet", "origin", "HEAD:main");
  ours = clone("ours");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function clone(name: string, ...options: string[]): string {
  git(folder, "clone", "--quiet", ...options, `file://${remote}`, name);
  return join(folder, name);
}

function commit(checkout: string, path: string, text: string): string {
  mkdirSync(join(checkout, path, ".."), { recursive: true });
  writeFileSync(join(checkout, path), text);
  git(checkout, "add", ".");
  git(checkout, "commit", "--quiet", "-m", text);
  return git(checkout, "rev-parse", "HEAD");
}

function pushed(path: string, text: string): string {
  const made = commit(theirs, path, text);
  git(theirs, "push", "--quiet", "origin", "HEAD:main");
  return made;
}

const github = { owner: "acme", repository: "platform", branch: "main" };
const standing = (directory = ours, branch = "main") =>
  checkoutStanding({
    directory,
    project: { github: { ...github, branch } } as unknown as Project,
    variables: {},
  });

const inStep = { state: "in step", branch: "origin/main" };
const behind = (commits: number, more: object = {}) => ({
  state: "behind",
  branch: "origin/main",
  commits,
  ahead: 0,
  matters: true,
  ...more,
});

describe("a checkout", () => {
  test("that has all of the branch is in step, with commits and changes of its own, too", async () => {
    expect(await standing()).toEqual(inStep);
    commit(ours, CONFIGURATION, "7 nodes");
    writeFileSync(join(ours, CONFIGURATION), "8 nodes");
    expect(await standing()).toEqual(inStep);
  });

  test("is behind by the commits that it doesn't have, though it never fetched them", async () => {
    pushed(CONFIGURATION, "9 nodes");
    expect(await standing()).toEqual(behind(1));
    pushed("src/stacks/cluster-stack.ts", "new");
    expect(await standing()).toEqual(behind(2));
    git(ours, "pull", "--quiet");
    expect(await standing()).toEqual(inStep);
  });

  test("with commits of its own besides has diverged", async () => {
    pushed(CONFIGURATION, "9 nodes");
    commit(ours, "flux/a.yaml", "mine");
    expect(await standing()).toEqual(behind(1, { ahead: 1 }));
    expect(describeStanding(await standing())).toBe(
      "This checkout is behind origin/main by 1 commit, and has 1 of its own.",
    );
  });

  test("on another branch, or a detached HEAD, is compared with the one that Flux reads", async () => {
    git(ours, "checkout", "--quiet", "-b", "feature");
    pushed(CONFIGURATION, "9 nodes");
    expect(await standing()).toEqual(behind(1));
    git(ours, "checkout", "--quiet", "--detach");
    expect(await standing()).toEqual(behind(1));
  });

  test.each([
    "README.md",
    "docs/state.md",
    "test/config/a.test.ts",
    ".github/workflows/a.yaml",
    "flux/clusters/staging/flux-system/gotk-sync.yaml",
  ])("is behind without harm where %s has changed", async (path) => {
    pushed(path, "new");
    expect(await standing()).toEqual(behind(1, { matters: false }));
  });

  test("is behind without harm where its own commits were squashed on the branch", async () => {
    commit(ours, CONFIGURATION, "8 nodes");
    commit(ours, CONFIGURATION, "9 nodes");
    pushed(CONFIGURATION, "9 nodes");
    expect(await standing()).toEqual(behind(1, { ahead: 2, matters: false }));
  });

  test("of a branch that nobody has pushed yet is in step", async () => {
    expect(await standing(ours, "production")).toEqual({ state: "in step", branch: "origin/production" });
  });

  test("is compared through a remote of any name", async () => {
    git(ours, "remote", "rename", "origin", "company");
    pushed(CONFIGURATION, "9 nodes");
    expect(await standing()).toEqual({ ...behind(1), branch: "company/main" });
  });

  test("is left alone in a sandbox", async () => {
    pushed(CONFIGURATION, "9 nodes");
    for (const project of [{ github }, {}] as unknown as Project[])
      expect(await checkoutStanding({ directory: ours, project, sandbox: "demo", variables: {} })).toEqual({
        state: "alone",
      });
  });
});

describe("a checkout without github in the configuration", () => {
  const alone = (directory = ours) => checkoutStanding({ directory, project: {} as Project, variables: {} });

  test("is compared with its branch's upstream, whatever the two are called", async () => {
    expect(await alone()).toEqual(inStep);
    git(ours, "remote", "rename", "origin", "company");
    git(ours, "branch", "--quiet", "-m", "work");
    pushed(CONFIGURATION, "9 nodes");
    expect(await alone()).toEqual({ ...behind(1), branch: "company/main" });
  });

  test("without an upstream is compared with origin's branch of the same name", async () => {
    git(ours, "branch", "--quiet", "--unset-upstream");
    pushed(CONFIGURATION, "9 nodes");
    expect(await alone()).toEqual(behind(1));
    git(ours, "checkout", "--quiet", "--no-track", "-b", "feature");
    expect(await alone()).toEqual({ state: "in step", branch: "origin/feature" });
    git(ours, "branch", "--quiet", "--set-upstream-to", "main");
    expect(await alone()).toEqual({ state: "in step", branch: "origin/feature" });
  });

  test("is behind also where a tag has the name of the branch", async () => {
    git(ours, "branch", "--quiet", "--unset-upstream");
    git(ours, "tag", "main");
    pushed(CONFIGURATION, "9 nodes");
    expect(await alone()).toEqual(behind(1));
  });

  test("is alone where there is nothing to compare with: no Git, no remote, a detached HEAD", async () => {
    expect(await alone(folder)).toEqual({ state: "alone" });
    git(ours, "checkout", "--quiet", "--detach");
    expect(await alone()).toEqual({ state: "alone" });
    git(ours, "checkout", "--quiet", "main");
    git(ours, "remote", "remove", "origin");
    expect(await alone()).toEqual({ state: "alone" });
  });
});

describe("a shallow clone, as CI has one", () => {
  let shallow: string;
  beforeEach(() => {
    pushed("README.md", "second");
    shallow = clone("shallow", "--depth=1");
  });

  test("is in step, and behind by a number that it can't count", async () => {
    expect(await standing(shallow)).toEqual(inStep);
    pushed(CONFIGURATION, "9 nodes");
    const found = await standing(shallow);
    expect(found).toEqual({ state: "behind", branch: "origin/main", ahead: 0, matters: true });
    expect(describeStanding(found)).toBe("This checkout is behind origin/main.");
  });

  test("of a pull request's merge with the branch is in step, and unknown when the branch has moved on", async () => {
    git(theirs, "checkout", "--quiet", "-b", "feature", "HEAD~1");
    commit(theirs, CONFIGURATION, "9 nodes");
    git(theirs, "checkout", "--quiet", "--detach", "origin/main");
    git(theirs, "merge", "--quiet", "--no-edit", "feature");
    git(theirs, "push", "--quiet", "origin", "HEAD:refs/pull/1/merge");
    git(shallow, "fetch", "--quiet", "--depth=1", "origin", "refs/pull/1/merge");
    git(shallow, "checkout", "--quiet", "--detach", "FETCH_HEAD");
    expect(await standing(shallow)).toEqual(inStep);
    git(theirs, "checkout", "--quiet", "--detach", "origin/main");
    pushed(CONFIGURATION, "7 nodes");
    expect(await standing(shallow)).toEqual({
      state: "unknown",
      reason: "this clone is shallow, so that its history can't be compared with origin/main",
      fix: "git fetch --unshallow",
      matters: true,
    });
  });
});

describe("a remote that doesn't answer", () => {
  const unanswered = expect.stringMatching(/^origin\/main can't be read: /);

  test("leaves what was fetched last, and a checkout that is behind that is behind", async () => {
    pushed(CONFIGURATION, "9 nodes");
    git(ours, "fetch", "--quiet");
    rmSync(remote, { recursive: true });
    const found = await standing();
    expect(found).toEqual(behind(1, { remembered: unanswered }));
    expect(describeStanding(found)).toMatch(
      /^This checkout is behind origin\/main by 1 commit, by what was fetched last \(origin\/main can't be read: .*\)\.$/,
    );
    expect(courseFrom(found, { ifBehind: "ask", interactive: false })).toMatchObject({
      course: "refuse",
      message: expect.stringContaining("Run `git merge origin/main` first."),
    });
  });

  test("is a note where all that was fetched is here; where nothing was fetched a deploy asks, or is refused", async () => {
    const note = {
      state: "unknown",
      reason: unanswered,
      fix: "check the network and that `git ls-remote origin` works",
      matters: false,
    };
    rmSync(remote, { recursive: true });
    expect(await standing()).toEqual(note);
    git(ours, "update-ref", "-d", "refs/remotes/origin/main");
    const found = await standing();
    expect(found).toEqual({ ...note, matters: true });
    expect(courseFrom(found, { ifBehind: "ask", interactive: false })).toMatchObject({
      course: "refuse",
      message: expect.stringContaining("To deploy this state on purpose, add --if-behind deploy."),
    });
    expect(courseFrom(found, { ifBehind: "ask", interactive: true })).toHaveProperty("question");
    expect(courseFrom(found, { ifBehind: "deploy", interactive: false })).toMatchObject({ course: "deploy" });
  });
});

describe("what can't be compared", () => {
  const environment = { ...process.env };
  afterEach(() => {
    process.env = { ...environment };
  });

  test("a right address that Git rewrites is not asked to be set again", async () => {
    git(ours, "remote", "set-url", "origin", "https://github.com/acme/platform.git");
    git(ours, "config", "url.https://mirror.example/me/.insteadOf", "https://github.com/acme/");
    expect(await standing()).toMatchObject({
      state: "unknown",
      matters: true,
      reason: expect.stringContaining(
        "the remote origin is https://mirror.example/me/platform.git, and Flux reads",
      ),
      fix: "the remote's own address is right, and Git rewrites it by url.<base>.insteadOf. Show the rule with git config --show-origin --get-regexp '^url\\..*insteadof$', and remove it",
    });
  });

  test("matters with a remote that is another repository, such as a fork", async () => {
    git(ours, "remote", "set-url", "origin", "https://github.com/me/platform.git");
    expect(await standing()).toMatchObject({
      state: "unknown",
      fix: "git remote set-url origin https://github.com/acme/platform.git",
      matters: true,
    });
  });

  test("matters in a checkout that git refuses to read, with and without github", async () => {
    process.env.GIT_TEST_ASSUME_DIFFERENT_OWNER = "1";
    const refused = {
      state: "unknown",
      reason: "this checkout belongs to another user, so git refuses to read it (dubious ownership)",
      matters: true,
    };
    expect(await standing()).toMatchObject(refused);
    expect(await checkoutStanding({ directory: ours, project: {} as Project, variables: {} })).toMatchObject(
      refused,
    );
  });

  test("matters in the middle of a rebase onto the branch, which has all of its commits already", async () => {
    pushed(CONFIGURATION, "9 nodes");
    commit(ours, CONFIGURATION, "7 nodes");
    git(ours, "fetch", "--quiet");
    expect(() => git(ours, "rebase", "--quiet", "origin/main")).toThrow();
    const unfinished = {
      state: "unknown",
      reason: "a rebase is in progress in this checkout, so that its files are of no commit",
      fix: "finish it (git rebase --continue), or take it back (git rebase --abort)",
      matters: true,
    };
    expect(await standing()).toEqual(unfinished);
    expect(await checkoutStanding({ directory: ours, project: {} as Project, variables: {} })).toEqual(
      unfinished,
    );
  });

  test("matters when the remote has a commit that can't be fetched", async () => {
    const made = pushed(CONFIGURATION, "9 nodes");
    rmSync(join(remote, "objects", made.slice(0, 2), made.slice(2)));
    expect(await standing()).toMatchObject({
      state: "unknown",
      reason: expect.stringMatching(/^origin\/main can't be fetched: /),
      matters: true,
    });
  });

  test("is a note without Git, without a remote, and in a zip without git on the machine", async () => {
    const note = (reason: string) => ({ state: "unknown", reason, matters: false });
    expect(await standing(folder)).toMatchObject(note("this is no Git checkout"));
    git(ours, "remote", "remove", "origin");
    expect(await standing()).toMatchObject(note("the checkout has no remote"));
    process.env.PATH = join(folder, "empty");
    expect(await standing(folder)).toMatchObject(note("git is not installed"));
    expect(await standing()).toMatchObject({ reason: "git is not installed", matters: true });
  });
});

describe("a deploy from a checkout", () => {
  const isBehind = behind(3) as Standing;
  const ask = { ifBehind: "ask", interactive: true } as const;

  test("that is behind asks somebody, with the way out", () => {
    expect(courseFrom(isBehind, ask)).toEqual({
      course: "deploy",
      note: "This checkout is behind origin/main by 3 commits. A deploy would take back what others have deployed since. Run `git pull origin main` first, unless you mean it.",
      question: "This checkout is behind origin/main by 3 commits.",
    });
  });

  test("that is behind is refused where nobody can be asked", () => {
    expect(courseFrom(isBehind, { ifBehind: "ask", interactive: false })).toEqual({
      course: "refuse",
      message:
        "This checkout is behind origin/main by 3 commits. A deploy would take back what others have deployed since. Run `git pull origin main` first. To deploy this state on purpose, add --if-behind deploy. Nothing was changed.",
    });
  });

  test.each([
    ["skip", "skip"],
    ["deploy", "deploy"],
  ] as const)("--if-behind %s is that, and asks nobody", (ifBehind, course) => {
    const found = courseFrom(isBehind, { ifBehind, interactive: true });
    expect(found).toMatchObject({ course });
    expect(found).not.toHaveProperty("question");
  });

  test.each<Standing>([
    { state: "in step", branch: "origin/main" },
    { state: "alone" },
    { state: "unknown", reason: "offline", fix: "wait", matters: false },
    behind(1, { matters: false }) as Standing,
  ])("goes on where nothing is taken back, or nothing could be compared: %j", (found) => {
    const course = courseFrom(found, { ifBehind: "ask", interactive: false });
    expect(course.course).toBe("deploy");
    expect("note" in course).toBe(found.state === "unknown" || found.state === "behind");
  });

  describe("of which it isn't known whether it is behind", () => {
    const unknown = {
      state: "unknown",
      reason: "it is a fork",
      fix: "set its remote",
      matters: true,
    } as const;
    const text = "Whether this checkout is behind is not known: it is a fork. Fix: set its remote.";
    const refused = {
      course: "refuse",
      message: `${text} A deploy could take back what others have deployed. To deploy this state on purpose, add --if-behind deploy. Nothing was changed.`,
    };

    test("asks somebody, and is refused where nobody can be asked", () => {
      expect(courseFrom(unknown, ask)).toEqual({
        course: "deploy",
        note: `${text} A deploy could take back what others have deployed.`,
        question: text,
      });
      expect(courseFrom(unknown, { ifBehind: "ask", interactive: false })).toEqual(refused);
    });

    test("is deployed on purpose with --if-behind deploy", () => {
      expect(courseFrom(unknown, { ifBehind: "deploy", interactive: false, ci: true })).toEqual({
        course: "deploy",
        note: `${text} It is deployed all the same (--if-behind deploy).`,
      });
    });

    test("is refused in CI and by --if-behind skip, also where nothing could be compared", () => {
      for (const matters of [true, false])
        for (const options of [
          { ifBehind: "ask", ci: true },
          { ifBehind: "skip", ci: false },
        ] as const)
          expect(courseFrom({ ...unknown, matters }, { ...options, interactive: false })).toEqual(refused);
    });
  });

  test("in a subfolder is refused, whatever is allowed", () => {
    const subfolder = { state: "subfolder", reason: "it is", fix: "move it" } as const;
    for (const ifBehind of ["ask", "skip", "deploy"] as const)
      expect(courseFrom(subfolder, { ifBehind, interactive: true })).toEqual({
        course: "refuse",
        message: "Flux can't be given this checkout: it is. Fix: move it. Nothing was changed.",
      });
  });
});
