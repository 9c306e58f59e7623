import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { job, REPOSITORY, type Step, WORKFLOW_FILES, workflow } from "./workflows";

const { steps, strategy } = job("images", "build");
const stepOf = (action: string): Step => {
  const found = steps.find(({ uses }) => uses?.startsWith(`${action}@`));
  if (!found) throw new Error(`no step uses ${action}`);
  return found;
};
const build = stepOf("docker/build-push-action");

describe("the image build workflow", () => {
  it("runs for main and for version tags, never for a pull request", () => {
    expect(workflow("images").on).toStrictEqual({ push: { branches: ["main"], tags: ["v*"] } });
  });

  it("has no permission but to read the repository", () => {
    expect(workflow("images").permissions).toStrictEqual({});
    expect(job("images", "build").permissions).toStrictEqual({ contents: "read" });
  });

  it("sets up Buildx, logs in to Docker Hub, then builds and pushes", () => {
    expect(steps.map(({ uses }) => uses?.split("@")[0])).toStrictEqual([
      "actions/checkout",
      "actions/github-script",
      "docker/setup-buildx-action",
      "docker/login-action",
      "docker/build-push-action",
    ]);
    expect(build.with).toMatchObject({ context: ".", push: true });
  });

  it("logs in with DOCKER_USERNAME and DOCKER_TOKEN", () => {
    expect(stepOf("docker/login-action").with).toStrictEqual({
      username: "${{ secrets.DOCKER_USERNAME }}",
      password: "${{ secrets.DOCKER_TOKEN }}",
    });
  });

  it("gives the token to no other step", () => {
    const holders = steps.filter((step) => /secrets\.DOCKER_TOKEN(?! != '')/.test(JSON.stringify(step)));
    expect(holders.map(({ name }) => name)).toStrictEqual(["Login to Docker Hub"]);
  });

  it("builds the server from Dockerfile.fade and the node from Dockerfile, target node-raw", () => {
    expect(strategy?.matrix.include).toStrictEqual([
      { image: "fade-server", dockerfile: "Dockerfile.fade", target: "" },
      {
        image: "repram-cluster-node",
        dockerfile: "Dockerfile",
        target: "${{ vars.REPRAM_NODE_TARGET || 'node-raw' }}",
      },
    ]);
    expect(build.with).toMatchObject({
      file: "${{ matrix.dockerfile }}",
      target: "${{ matrix.target }}",
    });
  });

  it("tags an image with the commit, and with the version on a version tag", () => {
    const tags = (event: Readonly<Record<string, string>>): string[] =>
      evaluate(String(build.with?.tags), { "matrix.image": "fade-server", ...event })
        .trim()
        .split("\n");

    expect(
      tags({ "github.sha": "c0ffee", "github.ref_type": "tag", "github.ref_name": "v1.2.3" }),
    ).toStrictEqual(["docker.io/hub-user/fade-server:c0ffee", "docker.io/hub-user/fade-server:v1.2.3"]);
    expect(
      tags({ "github.sha": "c0ffee", "github.ref_type": "branch", "github.ref_name": "main" }),
    ).toStrictEqual(["docker.io/hub-user/fade-server:c0ffee", "docker.io/hub-user/fade-server:latest"]);
  });

  it("uses actions by commit, with the version beside it", () => {
    const { text } = WORKFLOW_FILES.find(({ path }) => path.endsWith("/images.yaml")) ?? { text: "" };
    const uses = text.split("\n").filter((line) => line.includes("uses:"));
    expect(uses).toHaveLength(5);
    for (const line of uses) expect(line).toMatch(/uses: [\w.-]+\/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });
});

describe("what the image build workflow needs", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "images-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs the step that looks what is there, as GitHub would: in the checkout, with `core`. */
  function look(variables: Readonly<Record<string, string>>): { ready: unknown; notices: string[] } {
    const harness = `
      const result = { ready: undefined, notices: [] };
      const core = {
        setOutput: (_, value) => { result.ready = value; },
        notice: (text) => result.notices.push(text),
      };
      ${stepOf("actions/github-script").with?.script}
      console.log(JSON.stringify(result));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", harness], {
      cwd: folder,
      encoding: "utf8",
      env: { PATH: process.env.PATH, DOCKERFILE: "Dockerfile.fade", ...variables },
    });
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout);
  }

  it("is there: it builds", () => {
    writeFileSync(join(folder, "Dockerfile.fade"), "FROM scratch\n");
    expect(look({ HAS_USERNAME: "true", HAS_TOKEN: "true" })).toStrictEqual({ ready: true, notices: [] });
  });

  it("is not there: it says what, and builds nothing", () => {
    expect(look({ HAS_USERNAME: "true", HAS_TOKEN: "false" })).toStrictEqual({
      ready: false,
      notices: ["Nothing is built: this repository lacks the file Dockerfile.fade, the secret DOCKER_TOKEN."],
    });
    writeFileSync(join(folder, "Dockerfile.fade"), "FROM scratch\n");
    expect(look({ HAS_USERNAME: "false", HAS_TOKEN: "true" })).toStrictEqual({
      ready: false,
      notices: ["Nothing is built: this repository lacks the secret DOCKER_USERNAME."],
    });
  });

  it("decides about every step after it", () => {
    const after = steps.slice(steps.indexOf(stepOf("actions/github-script")) + 1);
    expect(after).toHaveLength(3);
    for (const { if: condition } of after) expect(condition).toBe("steps.ready.outputs.ready == 'true'");
  });
});

describe("actionlint", () => {
  it("has nothing to say about the image build workflow", () => {
    const { text } = WORKFLOW_FILES.find(({ path }) => path.endsWith("/images.yaml")) ?? { text: "" };
    expect(lint(text)).toStrictEqual([]);
    expect(lint(text.replace("steps.ready.outputs", "steps.reddy.outputs")).length).toBeGreaterThan(0);
  });

  function lint(text: string): unknown[] {
    const script = join(REPOSITORY, "test/workflows/run-actionlint.cjs");
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
      encoding: "utf8",
      input: JSON.stringify([{ path: "images.yaml", data: text }]),
    });
    if (status !== 0) throw new Error(`actionlint failed: ${stderr}`);
    return JSON.parse(stdout);
  }
});

/** Puts values into the `${{ … }}` of a text: GitHub's operators are JavaScript's, and an unknown name is empty. */
function evaluate(text: string, values: Readonly<Record<string, string>>): string {
  const known: Readonly<Record<string, string>> = { "secrets.DOCKER_USERNAME": "hub-user", ...values };
  return text.replace(/\$\{\{ (.*?) \}\}/g, (_, expression: string) => {
    const script = expression.replace(/(?<!')\b(?:github|matrix|secrets|vars)\.\w+/g, (name) =>
      JSON.stringify(known[name] ?? ""),
    );
    return String(new Function(`return ${script}`)());
  });
}
