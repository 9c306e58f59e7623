import { find, TemporaryProject } from "./project";

const github = { owner: "acme", repository: "platform" };
let project: TemporaryProject;
beforeEach(() => {
  project = new TemporaryProject();
  project.configure({ github });
});
afterEach(() => project.dispose());

const checkout = async () => find(await project.report(), "checkout");

describe("the checkout as setup.sh compares it with the branch that Flux reads", () => {
  it("is not ready with the remote of another repository, as a deploy would refuse it", async () => {
    project.git("remote", "add", "origin", "https://github.com/me/platform.git");
    const report = await project.report();
    expect(find(report, "checkout")).toStrictEqual({
      check: "checkout",
      status: "missing",
      message:
        'whether this checkout is behind is not known: the remote origin is https://github.com/me/platform.git, and Flux reads acme/platform, as "github" in the configuration says',
      fix: "git remote set-url origin https://github.com/acme/platform.git",
    });
    expect(report.ready).toBe(false);
  });

  it("needs a remote sooner or later, and none without github", async () => {
    expect(await checkout()).toMatchObject({
      status: "warning",
      message: "whether this checkout is behind is not known: the checkout has no remote",
      fix: "git remote add origin https://github.com/acme/platform.git",
    });
    project.configure();
    expect((await checkout()).status).toBe("ok");
  });

  it("is not compared before the configuration is valid, nor with a GitHub that has no address", async () => {
    project.configure({ github, environments: [] });
    expect((await checkout()).status).toBe("unchecked");
    project.configure({ github });
    const report = await project.report([], { env: { GITHUB_BASE_URL: "nonsense" } });
    expect(find(report, "checkout")).toMatchObject({
      status: "unchecked",
      message: expect.stringContaining("GITHUB_BASE_URL"),
    });
  });
});
