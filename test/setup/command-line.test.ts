import { TemporaryProject } from "./project";

let project: TemporaryProject;
beforeEach(() => {
  project = new TemporaryProject();
});
afterEach(() => project.dispose());

/** Ready on the local machine: nothing to ask the clouds about. */
function makeReady(): void {
  project.configure();
  project.uninstall("curl");
  project.write(".env", "DIGITALOCEAN_TOKEN=dop_v1_abc\n", 0o600);
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
    [["--chek"], "unknown option: --chek"],
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
  });

  it("ends with the next step when all is there", async () => {
    makeReady();
    const { code, stdout } = await project.run([]);
    expect(code).toBe(0);
    expect(stdout).toContain(
      "Ready as far as it could be checked (1 unchecked, see above). Next: npm run deploy",
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
      "github.owner is still my-github-user",
      "DIGITALOCEAN_TOKEN is not set",
      "GITHUB_TOKEN is not set",
    ])
      expect(stdout).toContain(`  missing    ${line}`);
    expect(stdout).toContain("Not ready: 5 of the findings above must be fixed.");
    expect(stdout).toContain("npm run demo");
    // One of them is of a warning: others deploy from GitHub, and the state is on this machine.
    expect(stdout.match(/^ {2}warning /gm)).toHaveLength(1);
    expect(stdout.match(/^ {13}Fix: /gm)).toHaveLength(6);
  });

  it("says the same the second time, less what the first has made", async () => {
    const first = await project.report();
    const made = project.snapshot();
    const second = await project.report();
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
    await project.run(["--check", "--yes"]);
    const { changes } = await project.report(["--check"]);
    expect(changes).toStrictEqual([]);
    expect(project.snapshot()).toStrictEqual(before);
  });

  it("tells with --check whether anything required is missing", async () => {
    expect((await project.run(["--check"])).code).toBe(1);
    makeReady();
    expect((await project.run(["--check"])).code).toBe(0);
  });

  it("prints nothing but one JSON document with --json", async () => {
    project.checkConfigSays('a "quoted" path C:\\temp\tand\u0007\nmore', 1);
    project.configure();
    const report = await project.report();
    expect(report.stderr).toBe("");
    expect(report.ready).toBe(false);
    expect(report.findings.find(({ check }) => check === "configuration")?.message).toBe(
      'a "quoted" path C:\\temp\tand\nmore',
    );
  });

  it("prints plain text where no terminal shows colours", async () => {
    const { stdout } = await project.run([]);
    expect(stdout).not.toContain("\u001b");
  });
});
