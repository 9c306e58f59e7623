import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { versionAtLeast } from "../../src/setup";
import { build, find, TemporaryProject } from "./project";

let project: TemporaryProject;
beforeAll(build);
beforeEach(() => {
  project = new TemporaryProject();
  project.configure();
});
afterEach(() => project.dispose());

describe("the tools that setup.sh looks for", () => {
  it("are named with their versions when they are there", async () => {
    const report = await project.report();
    expect(find(report, "node")).toMatchObject({ status: "ok", message: `node ${process.versions.node}` });
    expect(find(report, "terraform")).toMatchObject({ status: "ok", message: "terraform 1.11.4" });
    expect(find(report, "flux")).toMatchObject({ status: "ok", message: "flux 2.9.4" });
    for (const [tool, version] of [
      ["npm", "10.8.2"],
      ["kubectl", "1.34.2"],
      ["sops", "3.13.3"],
    ] as const)
      expect(find(report, tool)).toMatchObject({ status: "ok", message: `${tool} ${version}` });
    expect(find(report, "git")).toMatchObject({
      status: "ok",
      message: expect.stringMatching(/^git \d+\.\d+/),
    });
  });

  it.each([
    ["20.11.1", "20.12", false],
    ["18.20.4", "20.12", false],
    ["9.12.0", "20.12", false],
    ["20", "20.12", false],
    ["20.12", "20.12", true],
    ["20.12.0", "20.12", true],
    ["20.100.0", "20.12", true],
    ["22.0.0", "20.12", true],
    ["100.1.0", "20.12", true],
    ["1.8.5", "1.9", false],
    ["1.9.0", "1.9", true],
    ["1.9.8", "1.10", false],
    ["1.10.0", "1.10", true],
    ["2.0.0", "1.10", true],
  ])("are compared number by number: %s is at least %s: %s", (have, want, expected) => {
    expect(versionAtLeast(have, want)).toBe(expected);
  });

  it.each([
    ["v20.11.1", false],
    ["v18.20.4", false],
    ["v9.12.0", false],
    ["v20", false],
    ["v20.12", true],
    ["v20.12.0", true],
    ["v20.100.0", true],
    ["v22.0.0", true],
    ["v100.1.0", true],
    ["v23.0.0-nightly20260101", true],
  ])("are compared in ./setup.sh before Node starts: %s is recent enough: %s", async (version, recent) => {
    project.installFake("node", version);
    const { stdout, stderr, code } = await project.run(["--json"]);
    // The fake prints its version whatever it is to run.
    if (recent) expect(stdout).toBe(`${version}\n`);
    else
      expect(JSON.parse(stdout).findings).toStrictEqual([
        {
          check: "node",
          status: "missing",
          message: `node ${version.slice(1)} is too old, 20.12 or later is needed; it runs every command`,
          fix: "install Node from nodejs.org, or run: mise install",
        },
      ]);
    expect([stderr, code]).toEqual(["", recent ? 0 : 1]);
  });

  it.each([
    [
      "a Terraform of yesterday",
      "terraform",
      () => project.installFake("terraform", "Terraform v1.10.5"),
      "terraform 1.10.5 is too old, 1.11 or later is needed",
    ],
  ])("are missing when they are too old: %s", async (_, tool, install, message) => {
    install();
    const finding = find(await project.report(), tool);
    expect(finding).toMatchObject({ status: "missing", message: expect.stringContaining(message) });
  });

  it("are not taken for another program of the same name", async () => {
    project.installFake("terraform", "OpenTofu v1.10.0");
    expect(find(await project.report(), "terraform")).toMatchObject({
      status: "missing",
      message: expect.stringContaining("prints no version"),
    });
  });

  it.each(["npm", "terraform", "git"])("are required: %s", async (tool) => {
    project.uninstall(tool);
    const report = await project.report();
    const finding = find(report, tool);
    expect(finding.status).toBe("missing");
    expect(finding.message).toMatch(
      new RegExp(`^${tool} is not installed( \\([0-9.]+ or later\\))?; required, it `),
    );
    expect(finding.fix).not.toBe("");
    expect(report.code).toBe(1);
  });

  it.each([
    [
      () => project.uninstall("node"),
      "node is not installed (20.12 or later); required, it runs every command",
    ],
    [
      () => project.installNode("OpenNode 20.12"),
      "node prints no version: it is broken, or another program of that name",
    ],
  ])("are required, Node before all: %#", async (prepare, message) => {
    prepare();
    const report = await project.reportOfRun();
    expect(find(report, "node")).toMatchObject({ status: "missing", message });
    expect([report.ready, report.code]).toEqual([false, 1]);
    const { stdout, code } = await project.run([]);
    expect(stdout).toContain(`  missing    ${message}\n             Fix: install Node`);
    expect(code).toBe(1);
  });

  it.each(["flux", "kubectl", "sops"])("are optional: %s", async (tool) => {
    project.write(".env", "DIGITALOCEAN_TOKEN=dop_v1_abc\nDIGITALOCEAN_API_URL=http://127.0.0.1:9\n", 0o600);
    project.uninstall(tool);
    const report = await project.report();
    expect(find(report, tool)).toMatchObject({
      status: "warning",
      message: expect.stringContaining("optional, it "),
    });
    expect(report.code).toBe(0);
  });

  it("include the sops that npm run tools has built, which is on no PATH", async () => {
    project.uninstall("sops");
    const cache = join(project.directory, "cache");
    mkdirSync(join(cache, "hybrid-gitops", "tools", "sops-3.13.3"), { recursive: true });
    writeFileSync(join(cache, "hybrid-gitops", "tools", "sops-3.13.3", "sops"), "", { mode: 0o755 });
    const report = await project.report([], { env: { XDG_CACHE_HOME: cache } });
    expect(find(report, "sops")).toMatchObject({ status: "ok", message: "sops 3.13.3" });
    expect(find(await project.report(), "sops")).toMatchObject({ status: "warning" });
  });

  it("include a flux that installs controllers of today", async () => {
    project.installFake("flux", "flux version 2.3.0");
    expect(find(await project.report(), "flux")).toMatchObject({
      status: "warning",
      message: expect.stringContaining("flux 2.3.0 is too old, 2.9 or later is needed"),
    });
  });
});
