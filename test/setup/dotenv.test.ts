import { readDotenv } from "../../src/workspace";
import { find, TemporaryProject } from "./project";

let project: TemporaryProject;
beforeEach(() => {
  project = new TemporaryProject();
  project.configure();
});
afterEach(() => project.dispose());

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
    const invalid = "DIGITALOCEAN_TOKEN has characters that no token has (spaces, quotes, line breaks, ...)";
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

  it("is never run as a script", async () => {
    project.write(".env", "GITHUB_TOKEN=$(touch${IFS}owned)`touch owned`\n$(touch owned)\n", 0o600);
    await project.report();
    expect(project.has("owned")).toBe(false);
  });
});
