import type { PreparationFinding } from "../../src/state";
import { find, TemporaryProject } from "./project";

const DOTENV = "DIGITALOCEAN_TOKEN=dop_v1_abc\nDIGITALOCEAN_API_URL=http://127.0.0.1:9\n";

let project: TemporaryProject;
beforeEach(() => {
  project = new TemporaryProject();
  project.configure({ state: { backend: "spaces", bucket: "acme-state", region: "nyc3" } });
  project.write(".env", DOTENV, 0o600);
});
afterEach(() => project.dispose());

const asked: string[] = [];

/** Lets the preparation of the bucket find something, notes how it was asked, and puts a key into .env as the real one does. */
function stateSays(
  findings: readonly PreparationFinding[],
  { dotenv = "", problem = undefined as string | undefined } = {},
): void {
  asked.length = 0;
  project.states = async (_project, { check, tell }) => {
    asked.push(check ? "check" : "prepare");
    if (!check) project.write(".env", project.read(".env") + dotenv);
    for (const finding of findings) tell(finding);
    return problem;
  };
}

const KEY = "SPACES_ACCESS_KEY_ID=DO00ABC\nSPACES_SECRET_ACCESS_KEY=abc\n";

describe("the bucket of the states in setup.sh", () => {
  it("is made with --yes, and the key that comes with it counts at once", async () => {
    stateSays(
      [
        { check: "bucket", status: "changed", message: "bucket acme-state in nyc3 was made" },
        { check: "versioning", status: "ok", message: "every version is kept" },
        { check: "lifecycle", status: "warning", message: "no rules", fix: "remove old ones" },
      ],
      { dotenv: KEY },
    );
    const report = await project.report(["--yes"]);
    expect(asked).toEqual(["prepare"]);
    expect(report.changes).toContain("bucket acme-state in nyc3 was made");
    expect(find(report, "state-versioning").status).toBe("ok");
    expect(find(report, "state-lifecycle")).toMatchObject({ status: "warning", fix: "remove old ones" });
    expect(find(report, "spaces-key")).toMatchObject({
      status: "ok",
      message: "SPACES_ACCESS_KEY_ID is set",
    });
    expect(report.ready).toBe(true);
  });

  it.each<[Array<"--check" | "--yes">]>([[[]], [["--check"]], [["--check", "--yes"]]])(
    "is only looked at with %j",
    async (options) => {
      stateSays([{ check: "key", status: "missing", message: "not set", fix: "make one" }], { dotenv: KEY });
      const report = await project.report(options);
      expect(asked).toEqual(["check"]);
      // Once, not once more in the words of the command.
      expect(report.findings.filter(({ check }) => /^(?:state|spaces)-/.test(check))).toHaveLength(1);
      expect(find(report, "spaces-key")).toMatchObject({
        status: "missing",
        message: "SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY are not set",
        fix: "npm run state -- prepare makes the bucket and its key (so does ./setup.sh --yes)",
      });
      expect(report.ready).toBe(false);
    },
  );

  it("has a key that the store refuses, which the command tells", async () => {
    project.write(".env", DOTENV + KEY, 0o600);
    stateSays([{ check: "key", status: "missing", message: "refused", fix: "make one" }]);
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
    stateSays([], { problem: "it belongs to\nsomebody else" });
    const report = await project.report(["--yes"]);
    expect(find(report, "state-problem")).toMatchObject({
      status: "missing",
      message: "it belongs to somebody else",
    });
  });

  it("is unchecked while the configuration is not valid", async () => {
    project.configure({
      state: { backend: "spaces", bucket: "acme-state", region: "nyc3" },
      environments: [],
    });
    stateSays([]);
    expect(find(await project.report(["--yes"]), "state").status).toBe("unchecked");
    expect(asked).toEqual([]);
  });

  it("is no concern of states in local files", async () => {
    project.configure();
    stateSays([]);
    const report = await project.report(["--yes"]);
    expect(asked).toEqual([]);
    expect(report.findings.filter(({ check }) => /^(?:state|spaces)/.test(check))).toEqual([]);
  });

  it("is recommended where local states meet a repository at GitHub, which others deploy from", async () => {
    project.configure({ github: { owner: "acme", repository: "infrastructure" } });
    stateSays([]);
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
