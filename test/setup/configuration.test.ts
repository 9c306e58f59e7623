import { find, TemporaryProject } from "./project";

let project: TemporaryProject;
beforeEach(() => {
  project = new TemporaryProject();
  project.configure();
});
afterEach(() => project.dispose());

describe("the configuration as setup.sh checks it", () => {
  it("is what check-config says of it", async () => {
    expect(find(await project.report(), "configuration")).toMatchObject({
      status: "ok",
      message: "infrastructure.config.json is valid",
    });
    project.checkConfigSays("environments[0].name: is missing\nenvironments[1].cluster: is missing", 1);
    const report = await project.report();
    expect(find(report, "configuration")).toStrictEqual({
      check: "configuration",
      status: "missing",
      message: "environments[0].name: is missing\nenvironments[1].cluster: is missing",
      fix: "correct infrastructure.config.json; npm run check-config checks it again",
    });
    expect(report.code).toBe(1);
  });

  it("shows problems of several lines under each other", async () => {
    project.checkConfigSays("first\nsecond", 1);
    expect((await project.run([])).stdout).toContain("  missing    first\n             second\n");
  });

  it("installs the packages first, but not with --check", async () => {
    project.remove("dist/cli.js");
    expect(find(await project.report(["--check"]), "configuration")).toMatchObject({
      status: "unchecked",
      fix: "run ./setup.sh without --check",
    });
    expect(project.has("dist/cli.js")).toBe(false);
    project.write(
      "scripts/prepare.mjs",
      'import { writeFileSync } from "node:fs";\nwriteFileSync("dist/cli.js", "");\n',
    );
    expect(find(await project.report(), "configuration").status).toBe("ok");
    expect(project.has("dist/cli.js")).toBe(true);
  });

  it("passes on why the packages can't be installed, but not all that npm has to say", async () => {
    project.write(
      "scripts/prepare.mjs",
      'for (let i = 1; i < 200; i++) console.error("reason", i); process.exit(1);',
    );
    const report = await project.report();
    const reasons = Array.from({ length: 12 }, (_, index) => `reason ${index + 1}`);
    expect(find(report, "packages")).toMatchObject({
      status: "missing",
      message: ["the packages can't be installed:", ...reasons].join("\n"),
    });
    expect(report.code).toBe(1);
  });

  it("needs a Node that can run the project", async () => {
    project.installNode("v18.0.0");
    expect(find(await project.report(), "configuration")).toMatchObject({
      status: "unchecked",
      message: expect.stringContaining("needs Node 20.12"),
    });
  });

  it("must not have the example's names any more", async () => {
    project.remove("infrastructure.config.json");
    const report = await project.report();
    expect(find(report, "project-domain")).toMatchObject({
      status: "missing",
      message: "project.domain is still example.com",
    });
    expect(find(report, "github-owner")).toMatchObject({
      status: "missing",
      message: "github.owner is still my-github-user",
    });
  });

  it.each([
    ["broken JSON", "{ nonsense"],
    ["not an object", "null"],
    [
      "values of other types",
      '{"state": 1, "github": {"owner": {"a": 1}, "repository": ["x"]}, "project": "p"}',
    ],
    [
      "values that a shell would run",
      '{"state": {"backend": "$(touch owned)"}, "github": {"owner": "`touch owned`", "repository": "; touch owned"}}',
    ],
  ])("may be damaged (%s): the other checks go on", async (_, text) => {
    project.write("infrastructure.config.json", text);
    project.checkConfigSays("it is damaged", 1);
    const report = await project.report();
    expect(report.stderr).toBe("");
    expect(find(report, "configuration").status).toBe("missing");
    expect(find(report, "terraform").status).toBe("ok");
    expect(find(report, "digitalocean-token").status).toBe("missing");
    expect(project.has("owned")).toBe(false);
  });
});
