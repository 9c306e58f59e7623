import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { find, TemporaryProject } from "./project";

let project: TemporaryProject;
beforeEach(() => {
  project = new TemporaryProject();
});
afterEach(() => project.dispose());

describe("the files that setup.sh makes", () => {
  it("are made from the examples, .env for its owner only", async () => {
    const { changes } = await project.report();
    expect(changes).toStrictEqual([
      "infrastructure.config.json was made from infrastructure.config.json.example: put your own values there",
      ".env was made from .env.example, readable by you only (0600): put your tokens there",
    ]);
    expect(project.read("infrastructure.config.json")).toBe(
      project.read("infrastructure.config.json.example"),
    );
    expect(project.read(".env")).toBe(project.read(".env.example"));
    expect(project.mode(".env")).toBe(0o600);
    expect(project.mode("infrastructure.config.json")).toBe(0o644);
  });

  it("are never overwritten", async () => {
    project.configure();
    project.write(".env", "MINE=1\n", 0o600);
    const configuration = project.read("infrastructure.config.json");
    const report = await project.report(["--yes"]);
    expect(report.changes).toStrictEqual([]);
    expect(project.read(".env")).toBe("MINE=1\n");
    expect(project.read("infrastructure.config.json")).toBe(configuration);
    expect(find(report, "dotenv").status).toBe("ok");
    expect(find(report, "configuration-file").status).toBe("ok");
  });

  it.each([0o644, 0o640, 0o604, 0o666])("are closed when .env is open to others (%o)", async (mode) => {
    project.write(".env", "MINE=1\n", mode);
    const { changes } = await project.report();
    expect(changes.join("\n")).toContain(".env was open to other users (-rw-");
    expect(project.mode(".env")).toBe(0o600);
    expect(project.read(".env")).toBe("MINE=1\n");
  });

  it("stay private when they already are, whatever the mode", async () => {
    project.write(".env", "", 0o400);
    expect(find(await project.report(), "dotenv").status).toBe("ok");
    expect(project.mode(".env")).toBe(0o400);
  });

  it("are only reported as too open with --check", async () => {
    project.write(".env", "", 0o644);
    expect(find(await project.report(["--check"]), "dotenv")).toStrictEqual({
      check: "dotenv",
      status: "missing",
      message: ".env holds tokens and is open to other users (-rw-r--r--)",
      fix: "chmod 600 .env",
    });
  });

  it("are judged by what a link leads to", async () => {
    project.write(".env.vault", "", 0o600);
    symlinkSync(".env.vault", join(project.directory, ".env"));
    expect(find(await project.report(), "dotenv").status).toBe("ok");
  });

  it("are not written through a link that leads nowhere", async () => {
    symlinkSync("elsewhere", join(project.directory, ".env"));
    expect(find(await project.report(), "dotenv")).toMatchObject({ status: "missing" });
    expect(project.has("elsewhere")).toBe(false);
  });

  it("are reported when something else has their name", async () => {
    mkdirSync(join(project.directory, ".env"));
    expect(find(await project.report(), "dotenv")).toMatchObject({
      status: "missing",
      message: ".env is not a file",
    });
  });

  it("are reported when their examples are gone", async () => {
    project.remove(".env.example", "infrastructure.config.json.example");
    const report = await project.report();
    expect(find(report, "configuration-file")).toMatchObject({ status: "missing" });
    expect(find(report, "dotenv")).toMatchObject({
      status: "missing",
      fix: expect.stringContaining("example"),
    });
  });
});

describe("private files and Git", () => {
  it("are fine with the project's own .gitignore", async () => {
    expect(find(await project.report(), "git-ignored")).toMatchObject({ status: "ok" });
  });

  it.each([
    [".env", ".env (tokens)"],
    [".secrets/", ".secrets (private keys)"],
    ["/state/", "state (the Terraform state)"],
    ["cdktf.out/", "cdktf.out (Terraform plans)"],
  ])("are missed when %s is not ignored", async (line, message) => {
    const kept = project
      .read(".gitignore")
      .split("\n")
      .filter((known) => ![line, "*.tfstate", "*.tfplan"].includes(known));
    project.write(".gitignore", kept.join("\n"));
    const finding = find(await project.report(), "git-ignored");
    expect(finding).toMatchObject({ status: "missing", fix: "add these paths to .gitignore" });
    expect(finding.message).toContain(message);
  });

  it("are reported when they were committed all the same", async () => {
    project.write(".env", "", 0o600);
    project.write("old.tfstate", "{}");
    project.git("add", "--force", ".env", "old.tfstate", ".env.example");
    const report = await project.report();
    expect(find(report, "git-tracked")).toMatchObject({
      status: "missing",
      message: "tracked by Git although private: .env old.tfstate",
      fix: expect.stringContaining("git rm --cached -- .env old.tfstate, commit, and replace every token"),
    });
    expect(report.code).toBe(1);
  });

  it("are looked for in the project's repository, whatever GIT_DIR and its like name", async () => {
    project.write(".env", "", 0o600);
    project.git("add", "--force", ".env");
    const other = join(dirname(project.directory), "other");
    mkdirSync(other);
    project.git("init", "--quiet", other);
    for (const name of [".git", "missing"]) {
      const env = { GIT_DIR: join(other, name), GIT_WORK_TREE: other, GIT_INDEX_FILE: join(other, "index") };
      expect(find(await project.report([], { env }), "git-tracked")).toMatchObject({
        message: "tracked by Git although private: .env",
      });
    }
  });

  it("are not checked without git, which is required anyway", async () => {
    project.uninstall("git");
    const report = await project.report();
    expect(find(report, "git-ignored").status).toBe("unchecked");
    expect(find(report, "git")).toMatchObject({ status: "missing" });
  });

  it("are a warning outside a repository", async () => {
    rmSync(join(project.directory, ".git"), { recursive: true });
    const report = await project.report([], { env: { GIT_CEILING_DIRECTORIES: dirname(project.directory) } });
    expect(find(report, "git-ignored")).toMatchObject({
      status: "warning",
      fix: expect.stringContaining("git init"),
    });
  });
});
