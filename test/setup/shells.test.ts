import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/example";
import { build, find, LoopbackApi, type Report, realProgram, TemporaryProject } from "./project";

const SCRIPT = readFileSync(join(REPOSITORY, "setup.sh"), "latin1");

/** Every shell of this machine that can be somebody's /bin/sh. */
const SHELLS = [
  ["sh"],
  ["dash"],
  ["bash", "--posix"],
  ["bash"],
  ["busybox", "sh"],
  ["ksh"],
  ["mksh"],
  ["yash"],
  ["zsh", "--emulate", "sh"],
]
  .map(([name = "sh", ...options]) => ({
    name: [name, ...options].join(" "),
    program: realProgram(name),
    options,
  }))
  .flatMap(({ name, program, options }) => (program ? [{ name, shell: [program, ...options] }] : []));

let api: LoopbackApi;
let project: TemporaryProject;
beforeAll(async () => {
  build();
  api = await LoopbackApi.start();
});
afterAll(() => api.stop());
beforeEach(() => {
  project = new TemporaryProject().withCommand();
});
afterEach(() => project.dispose());

describe.each(SHELLS)("setup.sh in $name", ({ shell }) => {
  it("prepares a fresh clone and finds what is missing", async () => {
    const report = await project.reportOfRun([], { shell });
    expect(report.stderr).toBe("");
    expect(report.changes).toHaveLength(2);
    expect(project.mode(".env")).toBe(0o600);
    expect(missing(report)).toStrictEqual([
      "project-domain",
      "project-email",
      "github-owner",
      "digitalocean-token",
      "github-token",
    ]);
    expect(report.code).toBe(1);
    const { code, stderr } = await project.run(["--nonsense"], { shell });
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown option") });
  });

  it("reads .env and asks the clouds", async () => {
    api.answer("/user", { status: 200, headers: { "x-oauth-scopes": "repo" } });
    project.configure({ github: { owner: "acme", repository: "shop" } });
    project.write(
      ".env",
      `# comment\r\nDIGITALOCEAN_TOKEN="dop_v1_abc" # mine\nexport GITHUB_TOKEN='ghp_abc'\nDIGITALOCEAN_API_URL=${api.url}\nGITHUB_BASE_URL=${api.url}\n$(touch owned)`,
      0o600,
    );
    const report = await project.reportOfRun([], { shell });
    expect(report.stderr).toBe("");
    expect(find(report, "dotenv-lines").message).toContain("line 6 is neither");
    expect(project.has("owned")).toBe(false);
    expect(find(report, "digitalocean-token").status).toBe("ok");
    expect(missing(report)).toStrictEqual(["dotenv-lines", "github-token", "github-repository"]);
  });

  it("finds Node, or says which one it needs", async () => {
    project.installNode("v20.11.1");
    const report = await project.reportOfRun(["--check"], { shell });
    expect([report.stderr, report.code]).toEqual(["", 1]);
    expect(find(report, "node").message).toContain("node 20.11.1 is too old, 20.12 or later");
    project.uninstall("node");
    const { code, stdout, stderr } = await project.run([], { shell });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toContain("node is not installed (20.12 or later)");
  });
});

describe("setup.sh itself", () => {
  it("is run with sh and stops at what it doesn't expect", () => {
    const [first, ...rest] = SCRIPT.split("\n");
    expect(first).toBe("#!/bin/sh");
    expect(rest).toContain("set -eu");
  });

  it("is plain ASCII, since some shells can't read anything else in the C locale", () => {
    expect(SCRIPT).toMatch(/^[\n -~\t]*$/);
  });

  it("uses nothing that only some shells or systems have", () => {
    // The shells of one machine would not all notice.
    const foreign =
      /\[\[|\blocal |<<<|<\(|\bfunction \w|\becho -[en]\b|\bread -[a-qs-z]|\$'|\bpipefail\b|\bsource \w|\bdeclare\b|\|&|&>|\bstat \w|\breadlink\b|\bmktemp\b|\bgrep -[oP]|\bsed -[iEr]\b/;
    const used = SCRIPT.split("\n").filter((line) => !/^\s*#/.test(line) && foreign.test(line));
    expect(used).toStrictEqual([]);
  });

  (realProgram("shellcheck") ? it : it.skip)("has nothing that shellcheck objects to", () => {
    const { stdout, status } = spawnSync("shellcheck", ["setup.sh"], {
      cwd: REPOSITORY,
      encoding: "utf8",
    });
    expect({ stdout, status }).toStrictEqual({ stdout: "", status: 0 });
  });
});

function missing(report: Report): string[] {
  return report.findings.filter(({ status }) => status === "missing").map(({ check }) => check);
}
