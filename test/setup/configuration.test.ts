import { rmSync } from "node:fs";
import { join } from "node:path";
import { find, TemporaryProject } from "./project";

let project: TemporaryProject;
beforeEach(() => {
  project = new TemporaryProject();
  project.configure();
});
afterEach(() => project.dispose());

describe("the configuration as setup.sh checks it", () => {
  it("is what check-config says of it, every problem at once and under each other", async () => {
    expect(find(await project.report(), "configuration")).toMatchObject({
      status: "ok",
      message: "infrastructure.config.json is valid",
    });
    project.configure({
      project: { name: "shop", domain: "shop.example" },
      environments: [{ name: "staging" }],
    });
    const report = await project.report();
    expect(find(report, "configuration")).toStrictEqual({
      check: "configuration",
      status: "missing",
      message: expect.stringMatching(/^project\.email: is missing.*\nenvironments\[0\]\.cluster: is missing/),
      fix: "correct infrastructure.config.json; npm run check-config checks it again",
    });
    expect(report.code).toBe(1);
  });

  it("needs the folders of its environments, and names those that are missing with the way to make them", async () => {
    project.withTree();
    expect(find(await project.report(), "environment-folders").status).toBe("ok");
    project.configure({
      environments: ["staging", "none-such"].map((name) => ({
        name,
        cluster: { region: "nyc3", nodeSize: "s-2vcpu-4gb", nodeCount: 3 },
      })),
    });
    rmSync(join(project.directory, "flux/infrastructure/dns/staging"), { recursive: true });
    const report = await project.report(["--yes"]);
    expect(find(report, "environment-folders")).toStrictEqual({
      check: "environment-folders",
      status: "missing",
      message:
        "missing, so Flux would have nothing to deploy: flux/infrastructure/dns/staging, flux/clusters/none-such",
      fix: expect.stringContaining("docs/configuration.md#another-environment has the commands"),
    });
    expect([report.ready, report.code]).toEqual([false, 1]);
  });

  it("must not have the example's names any more", async () => {
    project.remove("infrastructure.config.json");
    const report = await project.report();
    expect(find(report, "project-domain")).toMatchObject({
      status: "missing",
      message: "project.domain in infrastructure.config.json is still example.com",
    });
    expect(find(report, "github-owner")).toMatchObject({
      status: "missing",
      message: "github.owner in infrastructure.config.json is still my-github-user",
    });
    expect(find(report, "project-email")).toMatchObject({
      status: "missing",
      message: "project.email in infrastructure.config.json is still admin@example.com",
    });
    project.configure({ project: { name: "shop", domain: "shop.example", email: "admin@example.com" } });
    expect(await project.report()).toMatchObject({
      ready: false,
      findings: expect.arrayContaining([expect.objectContaining({ check: "project-email" })]),
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
    const report = await project.report();
    expect(report.stderr).toBe("");
    expect(find(report, "configuration").status).toBe("missing");
    expect(find(report, "terraform").status).toBe("ok");
    expect(find(report, "digitalocean-token").status).toBe("missing");
    expect(project.has("owned")).toBe(false);
  });
});
