import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { toolsDirectory } from "../../src/flux-tree/tools";
import { describeWithSops } from "../secrets/sops-project";
import { build, finished, realProgram, TemporaryProject } from "./project";

/** Nothing listens there. */
const OFFLINE = { DIGITALOCEAN_API_URL: "http://127.0.0.1:9", GITHUB_BASE_URL: "http://127.0.0.1:9" };

const PROMPT = "(not shown; Enter leaves it out): ";

// util-linux's script(1) lends a pseudo-terminal; BSD's takes other options.
const script = realProgram("script");
const hasTerminal =
  script !== undefined && /util-linux/.test(spawnSync(script, ["--version"], { encoding: "utf8" }).stdout);

let project: TemporaryProject;
beforeAll(build);
beforeEach(() => {
  project = new TemporaryProject().withCommand();
  project.configure({ github: { owner: "acme", repository: "shop" } });
  project.write(".env", "# mine\nDIGITALOCEAN_TOKEN=\nOTHER='a&b\\n'\n", 0o600);
});
afterEach(() => project.dispose());

function start(args: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(
    script ?? "script",
    ["-qec", `/bin/sh '${join(project.directory, "setup.sh")}' ${args}`, "/dev/null"],
    {
      env: project.environment({ SHELL: "/bin/sh", ...OFFLINE, ...env }),
    },
  );
}

/** Types an answer whenever the script asks. */
async function answering(
  child: ChildProcess,
  answers: readonly string[],
  prompt = PROMPT,
): Promise<{ code: number | null; stdout: string }> {
  let seen = "";
  let asked = 0;
  child.stdout?.on("data", (text: Buffer) => {
    seen += text;
    while (seen.split(prompt).length - 1 > asked) child.stdin?.write(answers[asked++] ?? "\n");
  });
  const { code, stdout } = await finished(child);
  return { code, stdout };
}

(hasTerminal ? describe : describe.skip)("setup.sh at a terminal", () => {
  it("asks for the tokens that are missing, shows nothing of them and keeps them in .env", async () => {
    const { code, stdout } = await answering(start(""), ["dop_v1_5ecret\n", "ghp_5ecret+/=\n"]);
    expect(stdout).not.toContain("5ecret");
    expect(stdout).toContain("DIGITALOCEAN_TOKEN is in .env now");
    expect(project.read(".env")).toBe(
      "# mine\nDIGITALOCEAN_TOKEN=dop_v1_5ecret\nOTHER='a&b\\n'\nGITHUB_TOKEN=ghp_5ecret+/=\n",
    );
    expect(project.mode(".env")).toBe(0o600);
    expect(project.has(".env.new")).toBe(false);
    expect(code).toBe(0);
  });

  it.each([
    ["\n", "my 'token'\n", "That has a character that no token has: U+0020 SPACE (character 3); left out."],
    ["n\n", "\n", "That is too short for a token; left out."],
  ])("takes no for an answer, and no nonsense: %j, %j", async (first, second, told) => {
    const before = project.read(".env");
    const { code, stdout } = await answering(start(""), [first, second]);
    expect(stdout).toContain(told);
    expect(project.read(".env")).toBe(before);
    expect(code).toBe(1);
  });

  it("puts the terminal right when it is interrupted", async () => {
    const child = spawn(
      script ?? "script",
      [
        "-qec",
        `trap : INT; /bin/sh '${join(project.directory, "setup.sh")}'; echo "code $?"; stty -a`,
        "/dev/null",
      ],
      { env: project.environment({ SHELL: "/bin/sh", ...OFFLINE }) },
    );
    const { stdout } = await answering(child, ["\u0003"]);
    expect(stdout).toContain("Stopped. What was done is kept; ./setup.sh goes on from there.");
    expect(stdout).toContain("code 130");
    expect(stdout).toMatch(/ echo /);
  });

  it.each(["--yes", "--check", "--json"])("asks nothing with %s", async (option) => {
    const { stdout } = await answering(start(option), []);
    expect(stdout).not.toContain(PROMPT);
  });

  it.each([
    [{}, true],
    [{ NO_COLOR: "1" }, false],
    [{ TERM: "dumb" }, false],
  ])("has colours with %j: %s", async (env, colours) => {
    const { stdout } = await answering(start("--yes", env), []);
    expect(stdout.includes("\u001b[")).toBe(colours);
  });
});

(hasTerminal ? describeWithSops : describe.skip)("setup.sh at a terminal, with sops", () => {
  it.each([
    ["y\n", true],
    ["\n", true],
    ["n\n", false],
  ])("makes the applications' secrets only after %j", async (answer, made) => {
    project.withTree();
    project.write(".env", "DIGITALOCEAN_TOKEN=dop_v1_abc\nGITHUB_TOKEN=ghp_abcdefgh\n", 0o600);
    const child = start("", { XDG_CACHE_HOME: join(toolsDirectory(), "..", "..") });
    const { code, stdout } = await answering(child, [answer], "where there are none? [Y/n] ");
    expect(stdout).toMatch(/Create the missing secrets \(\d+, encrypted\) now/);
    expect([code, project.has(".secrets/staging/age.agekey")]).toEqual([0, made]);
  });
});
