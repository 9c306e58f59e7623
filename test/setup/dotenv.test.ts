import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { readableDotenv } from "../../src/workspace";
import { find, TemporaryProject } from "./project";

const SCRIPT = join(__dirname, "..", "..", "scripts", "setup", "dotenv.sh");

let project: TemporaryProject;
beforeEach(() => {
  project = new TemporaryProject();
  project.configure();
});
afterEach(() => project.dispose());

/** What setup.sh takes for the value of GITHUB_TOKEN. */
function valueInShell(text: string, env: Record<string, string> = {}): string {
  project.write(".env", text, 0o600);
  const { status, stdout, stderr } = spawnSync(
    "/bin/sh",
    ["-euc", '. "$0"; finding() { :; }; load_dotenv; setting GITHUB_TOKEN; printf "%s" "$value"', SCRIPT],
    { cwd: project.directory, encoding: "utf8", env: { PATH: process.env.PATH, ...env } },
  );
  expect({ status, stderr }).toStrictEqual({ status: 0, stderr: "" });
  return stdout;
}

describe(".env as setup.sh reads it", () => {
  // What one takes for set must be set for the other, to the same value.
  it.each([
    "GITHUB_TOKEN=ghp_1",
    "GITHUB_TOKEN = ghp_1  ",
    "  GITHUB_TOKEN=ghp_1",
    "export GITHUB_TOKEN=ghp_1",
    "GITHUB_TOKEN=ghp_1 # comment",
    "GITHUB_TOKEN=ghp_1#comment",
    'GITHUB_TOKEN="ghp_1#2"',
    "GITHUB_TOKEN='ghp_1 2'",
    "GITHUB_TOKEN='ghp_1' # comment",
    "GITHUB_TOKEN=`ghp'1`",
    "GITHUB_TOKEN='it\"s'",
    "GITHUB_TOKEN=a=b==",
    "GITHUB_TOKEN=a&b|c;d*?[x]~!",
    "GITHUB_TOKEN=$HOME`touch owned`$(touch owned)\\n\\",
    "GITHUB_TOKEN=",
    "GITHUB_TOKEN=''",
    "GITHUB_TOKEN=first\nGITHUB_TOKEN=second",
    "GITHUB_TOKEN=ghp_1\r\nOTHER=1\r\n",
    "#GITHUB_TOKEN=ghp_1",
    "\n\nOTHER=1\n# comment\nGITHUB_TOKEN=ghp_1",
    "GITHUB_TOKENS=ghp_1\nMY_GITHUB_TOKEN=ghp_2",
    "GITHUB_TOKEN='",
    "GITHUB_TOKEN",
    "OTHER x\nGITHUB_TOKEN=ghp_1",
    "OTHER='one\nGITHUB_TOKEN=two\nthree'\nGITHUB_TOKEN=ghp_1",
    "OTHER='one\nGITHUB_TOKEN=two",
  ])("has the value that the commands read: %j", (text) => {
    const value = valueInShell(text);
    expect(value).toBe(readableDotenv(join(project.directory, ".env")).GITHUB_TOKEN ?? "");
    expect(project.has("owned")).toBe(false);
  });

  it("gives way to the environment, but not to an empty variable", () => {
    expect(valueInShell("GITHUB_TOKEN=file", { GITHUB_TOKEN: "environment" })).toBe("environment");
    expect(valueInShell("GITHUB_TOKEN=file", { GITHUB_TOKEN: "" })).toBe("file");
  });

  it("may have values of several lines", async () => {
    project.write(".env", 'DIGITALOCEAN_TOKEN=dop_v1_abc\nKEY="first\nsecond"\n', 0o600);
    expect((await project.report()).findings.map(({ check }) => check)).not.toContain("dotenv-lines");
  });

  it("has its unreadable lines named by number, never shown", async () => {
    project.write(
      ".env",
      "DIGITALOCEAN_TOKEN=dop_v1_abc\nhidden-value\n\n# fine\nGITHUB_TOKEN='hidden\n",
      0o600,
    );
    const report = await project.report();
    expect(find(report, "dotenv-lines")).toMatchObject({
      status: "missing",
      message: ".env has lines that can't be read: 2 5",
    });
    expect(report.stdout).not.toContain("hidden");
  });
});
