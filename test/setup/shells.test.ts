import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { find, LoopbackApi, type Report, realProgram, TemporaryProject } from "./project";

const REPOSITORY = join(__dirname, "..", "..");
const SCRIPTS = [
  "setup.sh",
  ...readdirSync(join(REPOSITORY, "scripts", "setup")).map((name) => `scripts/setup/${name}`),
].map((name) => join(REPOSITORY, name));

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
  api = await LoopbackApi.start();
});
afterAll(() => api.stop());
beforeEach(() => {
  project = new TemporaryProject();
});
afterEach(() => project.dispose());

describe.each(SHELLS)("setup.sh in $name", ({ shell }) => {
  it("prepares a fresh clone and finds what is missing", async () => {
    const report = await project.report([], { shell });
    expect(report.stderr).toBe("");
    expect(report.changes).toHaveLength(2);
    expect(project.mode(".env")).toBe(0o600);
    expect(missing(report)).toStrictEqual([
      "project-domain",
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
      `# comment\r\nDIGITALOCEAN_TOKEN="dop_v1_abc" # mine\nexport GITHUB_TOKEN = 'ghp_abc'\nDIGITALOCEAN_API_URL=${api.url}\nGITHUB_BASE_URL=${api.url}\n$(touch owned)`,
      0o600,
    );
    const report = await project.report([], { shell });
    expect(report.stderr).toBe("");
    expect(find(report, "dotenv-lines").message).toContain(" 6");
    expect(project.has("owned")).toBe(false);
    if (realProgram("curl")) {
      expect(find(report, "digitalocean-token").status).toBe("ok");
      expect(missing(report)).toStrictEqual(["dotenv-lines", "github-token", "github-repository"]);
    }
  });
});

describe("the scripts of setup.sh", () => {
  it("are run with sh and stop at what they don't expect", () => {
    const [first, ...rest] = readFileSync(SCRIPTS[0] ?? "", "utf8").split("\n");
    expect(first).toBe("#!/bin/sh");
    expect(rest).toContain("set -eu");
  });

  it("are plain ASCII, since some shells can't read anything else in the C locale", () => {
    for (const script of SCRIPTS) expect(readFileSync(script, "latin1")).toMatch(/^[\n -~\t]*$/);
  });

  it("use nothing that only some shells or systems have", () => {
    // The shells of one machine would not all notice.
    const foreign =
      /\[\[|\blocal |<<<|<\(|\bfunction \w|\becho -[en]\b|\bread -[a-qs-z]|\$'|\bpipefail\b|\bsource \w|\bdeclare\b|\|&|&>|\bstat \w|\breadlink\b|\bmktemp\b|\bgrep -[oP]|\bsed -[iEr]\b/;
    const used = SCRIPTS.flatMap((script) => readFileSync(script, "utf8").split("\n")).filter(
      (line) => !/^\s*#/.test(line) && foreign.test(line),
    );
    expect(used).toStrictEqual([]);
  });

  (realProgram("shellcheck") ? it : it.skip)("have nothing that shellcheck objects to", () => {
    const { stdout, status } = spawnSync("shellcheck", ["--external-sources", "setup.sh"], {
      cwd: REPOSITORY,
      encoding: "utf8",
    });
    expect({ stdout, status }).toStrictEqual({ stdout: "", status: 0 });
  });
});

function missing(report: Report): string[] {
  return report.findings.filter(({ status }) => status === "missing").map(({ check }) => check);
}
