import { build, TemporaryProject } from "./project";

let project: TemporaryProject;
beforeAll(build);
beforeEach(() => {
  project = new TemporaryProject().withCommand();
});
afterEach(() => project.dispose());

/** Ready on the local machine: nothing to ask the clouds about. */
function makeReady(): void {
  project.configure();
  project.write(".env", "DIGITALOCEAN_TOKEN=dop_v1_abc\nDIGITALOCEAN_API_URL=http://127.0.0.1:9\n", 0o600);
}

describe("setup.sh on the command line", () => {
  it("checks the prerequisites when no subcommand is given", async () => {
    makeReady();
    const bare = await project.run([]);
    const named = await project.run(["prerequisites"]);
    expect(bare).toStrictEqual(named);
    expect(bare.stdout).toContain("Tools\n  ok         node 2");
  });

  it.each([
    [["--chek"], "unknown option: --chek\n(Did you mean --check?)"],
    [["deploy"], "unknown subcommand: deploy"],
    [["prerequisites", "state"], "one subcommand at a time: prerequisites or state"],
  ])("refuses %j before anything else", async (args, message) => {
    const before = project.snapshot();
    const { code, stdout, stderr } = await project.run(args);
    expect({ code, stdout }).toStrictEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(`setup.sh: ${message}\nTry: ./setup.sh --help\n`);
    expect(project.snapshot()).toStrictEqual(before);
  });

  it("explains itself, and only what is there", async () => {
    const { code, stdout } = await project.run(["--help"]);
    expect(code).toBe(0);
    for (const option of ["--check", "--yes", "--json", "--help"]) expect(stdout).toContain(option);
    expect(stdout).not.toMatch(/\bstate\b/);
    // Wrapped once, by the width of the terminal: no line is cut short but the last of a paragraph.
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    const [, description = ""] = stdout.split("\n\n");
    for (const line of description.split("\n").slice(0, -1)) expect(line.length).toBeGreaterThan(60);
  });

  it("ends with the next step when all is there", async () => {
    makeReady();
    const { code, stdout } = await project.run([]);
    expect(code).toBe(0);
    expect(stdout).toContain(
      "Ready as far as it could be checked (2 unchecked, see above). Next: npm run deploy",
    );
    expect(stdout).toContain("npm run demo");
  });

  it("lists everything that is missing at once, and points to the demo", async () => {
    project.configure({ github: { owner: "my-github-user", repository: "shop" } });
    project.uninstall("terraform", "npm");
    const { code, stdout } = await project.run(["--yes"]);
    expect(code).toBe(1);
    for (const line of [
      "npm is not installed",
      "terraform is not installed (1.11 or later)",
      "github.owner in infrastructure.config.json is still my-github-user",
      "DIGITALOCEAN_TOKEN is not set",
      "GITHUB_TOKEN is not set",
    ])
      expect(stdout).toContain(`  missing    ${line}`);
    expect(stdout).toContain("Not ready: 5 of the findings above must be fixed.");
    expect(stdout).toContain("npm run demo");
    // Three of them are of warnings: the state is on this machine only, pull requests get no plan, and there is no remote.
    expect(stdout.match(/^ {2}warning /gm)).toHaveLength(3);
    expect(stdout.match(/^ {13}Fix: /gm)).toHaveLength(8);
  });

  it("says the same the second time, less what the first has made", async () => {
    const first = await project.reportOfRun();
    const made = project.snapshot();
    const second = await project.reportOfRun();
    expect(first.changes).toHaveLength(2);
    expect(second.changes).toStrictEqual([]);
    expect(project.snapshot()).toStrictEqual(made);
    const later = (findings: typeof first.findings) =>
      findings.filter(({ check }) => check !== "configuration-file" && check !== "dotenv");
    expect(later(second.findings)).toStrictEqual(later(first.findings));
  });

  it.each([
    ["a fresh clone", () => undefined],
    ["a .env that is too open", () => project.write(".env", "", 0o644)],
    ["a checkout that is ready", makeReady],
  ])("leaves %s as it is with --check", async (_, prepare) => {
    prepare();
    const before = project.snapshot();
    await project.run(["--check"]);
    await project.run(["--check", "-y"]);
    const { changes } = await project.reportOfRun(["--check"]);
    expect(changes).toStrictEqual([]);
    expect(project.snapshot()).toStrictEqual(before);
  });

  it("tells with --check whether anything required is missing", async () => {
    expect((await project.run(["--check"])).code).toBe(1);
    makeReady();
    expect((await project.run(["--check"])).code).toBe(0);
  });

  it("prints nothing but one JSON document with --json", async () => {
    project.configure({ environments: [{ name: 'a "quoted" C:\\temp\tand\u0007\nmore' }] });
    project.write(".env", "", 0o600);
    const report = await project.reportOfRun();
    expect(report.stderr).toBe("");
    expect([report.ready, report.code]).toEqual([false, 1]);
    expect(report.findings.find(({ check }) => check === "configuration")?.message).toContain(
      "environments[0].name: ",
    );
    // As the same checks report it in this process.
    const inProcess = await project.report();
    expect(report.findings).toStrictEqual(inProcess.findings);
  });

  it("prints no control characters, whatever a message quotes", async () => {
    project.configure();
    project.states = async () => "says \u001b[31mred\u0007\tand more";
    project.configure({ state: { backend: "spaces", bucket: "acme-state", region: "nyc3" } });
    const { findings } = await project.report(["--yes"]);
    expect(findings.find(({ check }) => check === "state-problem")?.message).toBe("says [31mred and more");
  });

  it("reports why the packages can't be installed, and not all that npm has to say", async () => {
    project.write(
      "scripts/prepare.mjs",
      'export const prepare = () => {};for (let i = 1; i < 200; i++) console.error("reason", i); process.exitCode = 1;',
    );
    const reasons = Array.from({ length: 12 }, (_, index) => `reason ${index + 1}`);
    const report = await project.reportOfRun();
    expect(report.findings).toStrictEqual([
      {
        check: "packages",
        status: "missing",
        message: ["the packages can't be installed:", ...reasons].join("\n"),
        fix: "npm ci shows all of it",
      },
    ]);
    expect([report.ready, report.code]).toEqual([false, 1]);
    const { stdout, code } = await project.run([]);
    expect(stdout).toContain("  missing    the packages can't be installed:\n             reason 1\n");
    expect(code).toBe(1);
  });

  it("installs the packages first, but not with --check", async () => {
    project.remove("dist/cli.js");
    const before = project.snapshot();
    const report = await project.reportOfRun(["--check"]);
    expect(report.findings).toMatchObject([
      { check: "packages", status: "missing", fix: "run ./setup.sh without --check" },
    ]);
    expect(project.snapshot()).toStrictEqual(before);
    project.write(
      "scripts/prepare.mjs",
      'import { writeFileSync } from "node:fs"; export const prepare = () => {}; writeFileSync("dist/cli.js", "console.log(process.argv[2])");',
    );
    expect((await project.run([])).stdout).toContain("setup\n");
  });

  it("prints plain text where no terminal shows colours", async () => {
    const { stdout } = await project.run([]);
    expect(stdout).not.toContain("\u001b");
  });
});
