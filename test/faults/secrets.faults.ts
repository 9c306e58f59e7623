import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toolPath } from "../../src/flux-tree/tools";
import { readAgeKeys } from "../../src/secrets/age-key";
import { nextStep } from "../../src/secrets/rotate-key";
import { allSecretFiles } from "../../src/secrets/secret-files";
import { Sops } from "../../src/secrets/sops";
import { describeWithSops } from "../secrets/sops-project";
import { REPOSITORY } from "../support/example";
import { type CliResult, cli, plainEnvironment, SandboxProject } from "../support/sandbox-project";
import { injected } from "./support/injected";
import { WatchedSops } from "./support/watched-sops";

const AREA = "secrets";
const SENTINEL = `sentinel-${randomBytes(12).toString("hex")}`;
const EDITED = `edited-${randomBytes(12).toString("hex")}`;
const FILE = "flux/apps/traversion/staging/secrets/traversion-smtp.yaml";

const project = new SandboxProject((document) => {
  document.environments = [document.environments[0]];
  delete document.github;
});
const watched = new WatchedSops();
/** In the place of the system's temporary folder, so that other programs' files aren't looked at. */
const temporary = mkdtempSync(join(tmpdir(), "secrets-faults-"));
const folders = ["/dev/shm", temporary, project.directory];
const sops = new Sops(toolPath("sops"), project.directory);

afterAll(() => {
  project.remove();
  watched.dispose();
  rmSync(temporary, { recursive: true, force: true });
});

const environment = (settings: { pauseAt?: number; replace?: [string, string] } = {}): NodeJS.ProcessEnv => ({
  TMPDIR: temporary,
  TRAVERSION_SMTP_PASSWORD: SENTINEL,
  ...watched.environment({ sentinels: [SENTINEL, EDITED], folders, ...settings }),
});
const run = (args: readonly string[], env = environment()): CliResult =>
  cli(["secrets", ...args, "--sandbox", project.name], env);

/** Files below the folders with a sentinel in them: there may be none when no command runs. */
function plainFiles(): string[] {
  return folders.flatMap((folder) =>
    (existsSync(folder) ? (readdirSync(folder, { recursive: true, withFileTypes: true }) as any[]) : [])
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .filter((file) => {
        try {
          const text = readFileSync(file, "latin1");
          return text.includes(SENTINEL) || text.includes(EDITED);
        } catch {
          return false;
        }
      }),
  );
}

async function until(condition: () => boolean, what: string, milliseconds = 20_000): Promise<void> {
  for (const end = Date.now() + milliseconds; !condition(); ) {
    if (Date.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Runs a command up to a call of sops or the editor, and kills it there with no chance to clean up. */
async function killAt(call: number, args: readonly string[], replace?: [string, string]): Promise<string> {
  const env = environment({ pauseAt: call, replace });
  const child: ChildProcess = spawn(
    process.execPath,
    ["scripts/hybrid-gitops.mjs", "secrets", ...args, "--sandbox", project.name],
    { cwd: REPOSITORY, env: { ...plainEnvironment(), ...env }, stdio: "ignore" },
  );
  const ended = new Promise((resolve) => child.once("close", resolve));
  await until(() => watched.standing() !== undefined, `call ${call} of ${args.join(" ")}`);
  child.kill("SIGKILL");
  await ended;
  process.kill(watched.standing() as number, "SIGKILL");
  const last = watched.calls().at(-1);
  return `${args[0]}: ${last?.program === "editor" ? "in the editor" : `sops ${last?.arguments[2]} (call ${call})`}`;
}

const password = async (): Promise<unknown> =>
  ((await sops.decrypt(FILE, "staging")) as { stringData: Record<string, string> }).stringData.password;

describeWithSops("secrets in plain text", () => {
  beforeAll(() => {
    const { code } = run(["create"]);
    expect(code).toBe(0);
  });

  test("are in no argument, no environment and no file while create, check and rotate work", async () => {
    rmSync(join(project.directory, FILE));
    for (const args of [
      ["create"],
      ["check"],
      ["rotate"],
      ["rotate", "--key"],
      ["rotate", "--key", "--dry-run"],
    ]) {
      const { stdout, stderr } = run(args);
      const calls = watched.calls();
      if (!args.includes("--dry-run")) expect(calls.length).toBeGreaterThan(0);
      expect(stdout + stderr).not.toContain(SENTINEL);
      for (const { arguments: words, environment: given, plain } of calls) {
        expect(JSON.stringify([words, given])).not.toMatch(new RegExp(`${SENTINEL}|AGE-SECRET-KEY`));
        expect(plain).toEqual([]);
      }
    }
    expect(await password()).toBe(SENTINEL);
    // The second step of the key's rotation, for the tests that follow.
    expect(run(["rotate", "--key"]).code).toBe(0);
  });

  test("are, while one is edited, in one file of its owner's alone, and gone afterwards", async () => {
    const { code } = run(["edit", "traversion-smtp"], environment({ replace: [SENTINEL, EDITED] }));
    const inEditor = watched.calls().filter(({ program }) => program === "editor");
    expect([code, inEditor.length, inEditor[0]?.plain]).toEqual([
      0,
      1,
      [{ file: expect.stringMatching(/\/traversion-smtp\.yaml$/), mode: 0o600, folderMode: 0o700 }],
    ]);
    for (const { program, arguments: words } of watched.calls())
      expect([program, words.join(" ")]).toEqual([
        program,
        expect.not.stringMatching(`${SENTINEL}|${EDITED}`),
      ]);
    expect([plainFiles(), await password()]).toEqual([[], EDITED]);
    expect(run(["edit", "traversion-smtp"], environment({ replace: [EDITED, SENTINEL] })).code).toBe(0);
  });

  // 1: decrypting, 2: the editor is open, 3: encrypting.
  test.each([1, 2, 3])(
    "are gone after the command was killed at call %i of an edit, and the file is whole",
    async (call) => {
      const before = project.read(FILE);
      const point = await killAt(call, ["edit", "traversion-smtp"], [SENTINEL, EDITED]);
      await until(() => plainFiles().length === 0, `no plain text after the kill at ${point}`, 5_000);
      expect([project.read(FILE), await password()]).toEqual([before, SENTINEL]);
      // And the next one works, with nothing in its way.
      expect(run(["check"]).code).toBe(0);
      injected({ area: AREA, fault: "killed", point });
    },
  );

  test("what a machine that lost power has left behind goes at the next start", () => {
    // No process has this number: the largest that Linux gives is 4194304.
    const left = join("/dev/shm", `hybrid-gitops-edit-4194399-${randomBytes(4).toString("hex")}`);
    const inProject = join(project.directory, ".secrets", "hybrid-gitops-edit-4194399-x");
    const made = [inProject, ...(existsSync("/dev/shm") ? [left] : [])];
    for (const folder of made) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "secret.yaml"), SENTINEL);
    }
    const draft = join(project.directory, `${FILE}.new`);
    writeFileSync(draft, "half a file");
    expect(run(["list"]).code).toBe(0);
    expect([...made, draft].filter((path) => existsSync(path))).toEqual([]);
    injected({ area: AREA, fault: "lost power", point: "edit: the editor is open" });
  });
});

describeWithSops("a command that is killed", () => {
  const files = (): string[] => allSecretFiles(project.directory, "staging");
  const open = (): Promise<unknown[]> =>
    Promise.all(files().map(async (file) => (await sops.decrypt(file, "staging")) as unknown));

  test.each([
    ["rotate --key", 1],
    ["rotate --key", 13],
    ["rotate --key", 27],
  ])(
    "%s, at call %i in both steps: every file opens at every moment, and the next run finishes it",
    async (_, call) => {
      const before = await open();
      for (const step of ["begin", "finish"] as const) {
        expect(nextStep(project.directory, "staging")).toBe(step);
        const point = await killAt(call, ["rotate", "--key"]);
        expect(await open()).toEqual(before);
        expect(run(["rotate", "--key"]).code).toBe(0);
        expect([await open(), run(["check"]).code, plainFiles()]).toEqual([before, 0, []]);
        injected({ area: AREA, fault: "killed", point: `${point}, ${step}` });
      }
      expect(readAgeKeys(project.directory, "staging")).toHaveLength(1);
    },
  );

  test.each([
    ["rotate", 2],
    ["rotate", 5],
    ["create", 2],
  ])("%s, at call %i: no file is half written, and the next run works", async (command, call) => {
    if (command === "create") for (const file of files().slice(0, 3)) rmSync(join(project.directory, file));
    const count = files().length;
    const point = await killAt(call, [command]);
    expect(files().length).toBeGreaterThanOrEqual(count);
    expect(await open()).toHaveLength(files().length);
    expect([run([command]).code, run(["check"]).code, plainFiles()]).toEqual([0, 0, []]);
    injected({ area: AREA, fault: "killed", point });
  });
});
