import { find, TemporaryProject } from "./project";

let project: TemporaryProject;
beforeEach(() => {
  project = new TemporaryProject();
  project.configure({ state: { backend: "spaces", bucket: "acme-state", region: "nyc3" } });
  project.uninstall("curl");
  project.write(".env", "DIGITALOCEAN_TOKEN=dop_v1_abc\n", 0o600);
});
afterEach(() => project.dispose());

/** Lets `state prepare` print a report, note its options, and put a key into .env as the real one does. */
function stateSays(report: unknown, dotenv = ""): void {
  project.write(
    "dist/cli.js",
    `const { appendFileSync } = require("fs");
const [command, subcommand, option] = process.argv.slice(2);
if (command === "secrets") require("./secrets.js")(subcommand);
if (command === "state") {
  appendFileSync("dist/state.log", subcommand + " " + option + "\\n");
  if (option === "--yes") appendFileSync(".env", ${JSON.stringify(dotenv)});
  console.log(${JSON.stringify(typeof report === "string" ? report : JSON.stringify(report))});
  process.exitCode = 1;
}
`,
  );
}

const KEY = "SPACES_ACCESS_KEY_ID=DO00ABC\nSPACES_SECRET_ACCESS_KEY=abc\n";

describe("the bucket of the states in setup.sh", () => {
  it("is made with --yes, and the key that comes with it counts at once", async () => {
    stateSays(
      {
        findings: [
          { check: "bucket", status: "changed", message: "bucket acme-state in nyc3 was made" },
          { check: "versioning", status: "ok", message: "every version is kept" },
          { check: "lifecycle", status: "warning", message: "no rules", fix: "remove old ones" },
        ],
      },
      KEY,
    );
    const report = await project.report(["--yes"]);
    expect(project.read("dist/state.log")).toBe("prepare --yes\n");
    expect(report.changes).toContain("bucket acme-state in nyc3 was made");
    expect(find(report, "state-versioning").status).toBe("ok");
    expect(find(report, "state-lifecycle")).toMatchObject({ status: "warning", fix: "remove old ones" });
    expect(find(report, "spaces-key")).toMatchObject({
      status: "ok",
      message: "SPACES_ACCESS_KEY_ID is set",
    });
    expect(report.ready).toBe(true);
  });

  it.each([[[]], [["--check"]], [["--check", "--yes"]]])("is only looked at with %j", async (options) => {
    stateSays({ findings: [{ check: "key", status: "missing", message: "not set", fix: "make one" }] }, KEY);
    const report = await project.report(options);
    expect(project.read("dist/state.log")).toBe("prepare --check\n");
    // Once, not once more in the words of the command.
    expect(report.findings.filter(({ check }) => /^(?:state|spaces)-/.test(check))).toHaveLength(1);
    expect(find(report, "spaces-key")).toMatchObject({
      status: "missing",
      message: "SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY are not set",
      fix: "npm run state -- prepare makes the bucket and its key (so does ./setup.sh --yes)",
    });
    expect(report.ready).toBe(false);
  });

  it("has a key that the store refuses, which the command tells", async () => {
    project.write(".env", `DIGITALOCEAN_TOKEN=dop_v1_abc\n${KEY}`, 0o600);
    stateSays({ findings: [{ check: "key", status: "missing", message: "refused", fix: "make one" }] });
    const report = await project.report(["--check"]);
    expect(find(report, "state-key")).toStrictEqual({
      check: "state-key",
      status: "missing",
      message: "refused",
      fix: "make one",
    });
    expect(find(report, "spaces-key").status).toBe("ok");
  });

  it("that can't be made is told in the command's words, in one line", async () => {
    stateSays({ findings: [], problem: "it belongs to\nsomebody else" });
    const report = await project.report(["--yes"]);
    expect(find(report, "state-problem")).toMatchObject({
      status: "missing",
      message: "it belongs to somebody else",
    });
  });

  it("is unchecked when the command says nothing", async () => {
    stateSays("");
    expect(find(await project.report(["--yes"]), "state").status).toBe("unchecked");
  });

  it("is no concern of states in local files", async () => {
    project.configure();
    stateSays({ findings: [] });
    const report = await project.report(["--yes"]);
    expect(project.has("dist/state.log")).toBe(false);
    expect(report.findings.filter(({ check }) => /^(?:state|spaces)/.test(check))).toEqual([]);
  });

  it("is recommended where local states meet a repository at GitHub, which others deploy from", async () => {
    project.configure({ github: { owner: "acme", repository: "infrastructure" } });
    stateSays({ findings: [] });
    const report = await project.report(["--check"]);
    expect(report.findings.filter(({ check }) => /^(?:state|spaces)/.test(check))).toStrictEqual([
      {
        check: "state",
        status: "warning",
        message:
          "the states are in state/ on this machine only: a colleague would begin with states of their own, and the workflows at GitHub can't plan",
        fix: "alone and without the workflows that is fine; otherwise docs/state.md#a-bucket-for-a-team",
      },
    ]);
  });
});
