import { chmodSync } from "node:fs";
import { join } from "node:path";
import { readDotenv } from "../../src/workspace";
import { find, type Report, TemporaryProject } from "./project";

let project: TemporaryProject;
beforeEach(() => {
  project = new TemporaryProject();
  project.configure();
});
afterEach(() => project.dispose());

const checks = ({ findings }: Report): string[] => findings.map(({ check }) => check);

/** Root reads whatever the rights say. */
async function asNobody<T>({ directory }: TemporaryProject, work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  chmodSync(join(directory, ".."), 0o755);
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

describe(".env as setup.sh reads it", () => {
  it.each([
    ["a byte order mark", "\ufeffDIGITALOCEAN_TOKEN=dop_v1_abc def\n"],
    ["a # without quotes", "# mine\nDIGITALOCEAN_TOKEN=Tr0ub4dor#3xY\n"],
    ["two values for one name", "DIGITALOCEAN_TOKEN=dop_v1_abc\nDIGITALOCEAN_TOKEN=dop_v1_def\n"],
  ])("is refused as every command refuses it, and no value is shown: %s", async (_, text) => {
    project.write(".env", text, 0o600);
    const report = await project.report();
    const { message, fix, status } = find(report, "dotenv-lines");
    expect(status).toBe("missing");
    expect(() => readDotenv(`${project.directory}/.env`)).toThrow(
      new Error(`${message.replaceAll("\nline", "\n  line")}\n${fix}`),
    );
    expect(report.stdout).not.toMatch(/dop_v1_|Tr0ub4dor/);
  });

  it("gives way to the environment, but not to an empty variable, and what is hidden is named", async () => {
    project.write(".env", "DIGITALOCEAN_TOKEN=dop v1\nGITHUB_TOKEN='ghp 1'\n", 0o600);
    project.write(".env", "DIGITALOCEAN_TOKEN='dop v1'\nOTHER=1\n", 0o600);
    const invalid = "DIGITALOCEAN_TOKEN has a character that no token has: U+0020 SPACE (character 4)";
    const empty = await project.report([], { env: { DIGITALOCEAN_TOKEN: "", OTHER: "1" } });
    expect(find(empty, "digitalocean-token").message).toBe(invalid);
    expect(empty.findings.map(({ check }) => check)).not.toContain("dotenv-overridden");
    const set = await project.report([], {
      env: { DIGITALOCEAN_TOKEN: "dop_v1_abc", DIGITALOCEAN_API_URL: "http://127.0.0.1:9" },
    });
    expect(find(set, "digitalocean-token").status).toBe("unchecked");
    expect(find(set, "dotenv-overridden")).toMatchObject({
      status: "warning",
      message: "the environment has other values than .env, and wins: DIGITALOCEAN_TOKEN",
    });
  });

  it("may have values of several lines", async () => {
    project.write(
      ".env",
      'DIGITALOCEAN_TOKEN=dop_v1_abc\nDIGITALOCEAN_API_URL=http://127.0.0.1:9\nKEY="first\nsecond"\n',
      0o600,
    );
    expect((await project.report()).findings.map(({ check }) => check)).not.toContain("dotenv-lines");
  });

  it("has its unreadable lines named by number, never shown, and the others count", async () => {
    project.write(
      ".env",
      "DIGITALOCEAN_TOKEN=dop_v1_abc\nDIGITALOCEAN_API_URL=http://127.0.0.1:9\nhidden-value\n\n# fine\nGITHUB_TOKEN='hidden\n",
      0o600,
    );
    const report = await project.report();
    expect(find(report, "dotenv-lines")).toMatchObject({
      status: "missing",
      message:
        ".env can't be read:\nline 3 is neither empty nor a comment nor of the form NAME=value\nline 6 begins a value with ' and no line ends it",
    });
    expect(find(report, "digitalocean-token").status).toBe("unchecked");
    expect(report.stdout).not.toContain("hidden");
  });

  it("that nobody may read is reported once, and nothing in it is called not set", async () => {
    project.configure({
      github: { owner: "acme", repository: "shop" },
      state: { backend: "spaces", bucket: "state", region: "nyc3" },
    });
    project.withTree();
    project.write(".env", "DIGITALOCEAN_TOKEN=dop_v1_abc\n", 0o200);
    project.states = () => Promise.reject(new Error("no key can be kept"));
    const report = await asNobody(project, () => project.report(["--check"]));
    expect(find(report, "dotenv")).toStrictEqual({
      check: "dotenv",
      status: "missing",
      message: ".env can't be read by you (--w-------), so nothing in it counts",
      fix: "as its owner: chmod 600 .env",
    });
    expect(find(report, "state")).toMatchObject({ status: "unchecked" });
    expect(report.stdout).not.toMatch(/not set|values that only you can give/);
    expect(checks(report)).not.toEqual(expect.arrayContaining(["dotenv-lines"]));
  });

  it('calls a variable on a refused line not "not set" either, but those of no line', async () => {
    project.configure({ github: { owner: "acme", repository: "shop" } });
    project.write(".env", "DIGITALOCEAN_TOKEN=dop_v1_a&bc\nPLAN_GITHUB_TOKEN =x\n", 0o600);
    const report = await project.report();
    expect(find(report, "dotenv-lines").message).toBe(
      ".env can't be read:\nline 1 has a & in a value without quotes, which a shell doesn't take as it stands (character 28)\nline 2 has a blank before the = (character 18)",
    );
    expect(checks(report)).not.toContain("digitalocean-token");
    expect(find(report, "github-token").message).toBe("GITHUB_TOKEN is not set");
    expect(find(report, "plan-tokens").message).toBe(
      "pull requests get no plan: PLAN_DIGITALOCEAN_TOKEN is not set",
    );
    expect(report.ready).toBe(false);
  });

  it("is never run as a script", async () => {
    project.write(".env", "GITHUB_TOKEN=$(touch${IFS}owned)`touch owned`\n$(touch owned)\n", 0o600);
    await project.report();
    expect(project.has("owned")).toBe(false);
  });
});
