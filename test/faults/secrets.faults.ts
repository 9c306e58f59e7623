import { spawn, spawnSync } from "node:child_process";
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
import { buildSync } from "esbuild";
import { readAgeKeys } from "../../src/secrets/age-key";
import type { ApplicationSecret } from "../../src/secrets/application-secret";
import { nextStep } from "../../src/secrets/rotate-key";
import { describeWithSops, SopsProject } from "../secrets/sops-project";
import { injected } from "./support/injected";
import { WatchedSops } from "./support/watched-sops";

const AREA = "secrets";
const SENTINEL = `sentinel-${randomBytes(12).toString("hex")}`;
const EDITED = `edited-${randomBytes(12).toString("hex")}`;
const secret = (name: string, values: ApplicationSecret["values"]): ApplicationSecret => ({
  folder: "flux/apps/app",
  name,
  namespace: "app",
  values,
});
const password = { random: "hex", bytes: 32, rotation: { after: "restart it" } } as const;
const DECLARED = [
  secret("database", { password, url: { template: "postgres://app:{password}@db" } }),
  secret("keys", { session: password }),
  secret("mail", { password: { variable: "MAIL_PASSWORD", what: "a password" } }),
];
const NAMES = DECLARED.map(({ name }) => name);
const FILES = NAMES.map((name) => `flux/apps/app/staging/secrets/${name}.yaml`);
const [, , MAIL] = FILES as [string, string, string];

/** Holds what the programs write, and stands for the system's temporary folder: other programs' files aren't looked at. */
const temporary = mkdtempSync(join(tmpdir(), "secrets-faults-"));
const program = join(temporary, "secrets.js");
const watched = new WatchedSops();
const project = new SopsProject(DECLARED);
const folders = ["/dev/shm", temporary, project.directory];

beforeAll(() => {
  buildSync({
    entryPoints: [join(__dirname, "support", "secrets-program.ts")],
    outfile: program,
    bundle: true,
    platform: "node",
    // Some packages' CommonJS form can't be bundled.
    mainFields: ["module", "main"],
    logLevel: "error",
  });
});
afterAll(() => {
  project.dispose();
  watched.dispose();
  rmSync(temporary, { recursive: true, force: true });
});

interface Watching {
  readonly pauseAt?: number;
  readonly replace?: readonly [string, string];
}
const environment = (watching: Watching = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  MAIL_PASSWORD: SENTINEL,
  ...watched.environment({ sentinels: [SENTINEL, EDITED], folders, ...watching }),
  TMPDIR: temporary,
});
const words = (command: string): string[] => [program, project.directory, JSON.stringify(DECLARED), command];
const run = (command: string, watching: Watching = {}) =>
  spawnSync(process.execPath, words(command), { encoding: "utf8", env: environment(watching) });
const open = () => NAMES.map((name) => project.open(name, "staging"));
const mailPassword = (): string | undefined => project.open("mail", "staging").password;

/** None when the folder isn't there, or goes at this moment. */
function entriesBelow(folder: string): any[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Files below the folders with a secret in them: there may be none when nothing runs. */
function plainFiles(): string[] {
  return folders.flatMap((folder) =>
    entriesBelow(folder)
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .filter((file) => {
        try {
          const text = readFileSync(file, "latin1");
          return text.includes(SENTINEL) || text.includes(EDITED);
        } catch {
          // Gone at this moment.
          return false;
        }
      }),
  );
}

async function until(condition: () => boolean, what: string, milliseconds = 30_000): Promise<void> {
  for (const end = Date.now() + milliseconds; !condition(); ) {
    if (Date.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Runs a command up to a call of sops or of the editor, and kills both there, with no chance to clean up. Returns the point. */
async function killAt(call: number, command: string, replace?: readonly [string, string]): Promise<string> {
  const child = spawn(process.execPath, words(command), {
    env: environment({ pauseAt: call, replace }),
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    await until(() => watched.standing() !== undefined, `call ${call} of ${command}`);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
  process.kill(watched.standing() as number, "SIGKILL");
  const last = watched.calls().at(-1);
  return `${command}: ${last?.program === "editor" ? "in the editor" : `sops ${last?.arguments[2]}`} (call ${call})`;
}

describeWithSops("secrets in plain text", () => {
  test("are in no argument, no environment and no file while create, check and rotate work", () => {
    for (const command of ["create", "check", "rotate", "rotate-key", "rotate-key"]) {
      const { status, stdout, stderr } = run(command);
      expect([command, status, stderr]).toEqual([command, 0, ""]);
      const calls = watched.calls();
      expect(calls.length).toBeGreaterThan(2);
      for (const { arguments: given, environment: variables, plain } of calls) {
        expect(JSON.stringify([given, variables])).not.toMatch(new RegExp(`${SENTINEL}|AGE-SECRET-KEY`));
        expect([command, plain]).toEqual([command, []]);
      }
      expect(stdout + stderr).not.toContain(SENTINEL);
    }
    expect(mailPassword()).toBe(SENTINEL);
  });

  test("are, while one is edited, in one file of its owner's alone, and gone afterwards", () => {
    expect(run("edit", { replace: [SENTINEL, EDITED] }).status).toBe(0);
    const inEditor = watched.calls().filter((call) => call.program === "editor");
    expect(inEditor.map(({ plain }) => plain)).toEqual([
      [{ file: expect.stringMatching(/\/mail\.yaml$/), mode: 0o600, folderMode: 0o700 }],
    ]);
    for (const { arguments: given } of watched.calls())
      expect(given.join(" ")).not.toMatch(new RegExp(`${SENTINEL}|${EDITED}`));
    expect([plainFiles(), mailPassword()]).toEqual([[], EDITED]);
    expect(run("edit", { replace: [EDITED, SENTINEL] }).status).toBe(0);
  });

  // 1: decrypting, 2: the editor is open, 3: encrypting.
  test.each([1, 2, 3])("are gone after a kill at call %i of an edit, and the file is whole", async (call) => {
    const before = project.read(MAIL);
    const point = await killAt(call, "edit", [SENTINEL, EDITED]);
    await until(() => plainFiles().length === 0, `no plain text after the kill at ${point}`, 5_000);
    expect([project.read(MAIL), mailPassword(), run("check").status]).toEqual([before, SENTINEL, 0]);
    injected({ area: AREA, fault: "killed", point });
  });

  test("what a machine that lost power has left behind goes at the next start", () => {
    // No process has this number: the largest that Linux gives is 4194304.
    const name = `hybrid-gitops-edit-4194399-${randomBytes(4).toString("hex")}`;
    const places = [join(project.directory, ".secrets"), ...(existsSync("/dev/shm") ? ["/dev/shm"] : [])];
    const left = places.map((place) => join(place, name));
    for (const folder of left) {
      mkdirSync(folder);
      writeFileSync(join(folder, "secret.yaml"), SENTINEL);
    }
    project.write(`${MAIL}.new`, "half a file");
    expect(run("check").status).toBe(0);
    expect([...left, project.path(`${MAIL}.new`)].filter((path) => existsSync(path))).toEqual([]);
    injected({ area: AREA, fault: "lost power", point: "edit: in the editor" });
  });
});

describeWithSops("a command that is killed", () => {
  test.each([1, 2, 3])(
    "rotate --age-key, at file %i in both steps: every file opens, and the next run finishes",
    async (call) => {
      const before = open();
      for (const step of ["begin", "finish"] as const) {
        expect(nextStep(project.directory, "staging")).toBe(step);
        const point = await killAt(call, "rotate-key");
        expect(open()).toEqual(before);
        expect([run("rotate-key").status, open(), run("check").stderr, plainFiles()]).toEqual([
          0,
          before,
          "",
          [],
        ]);
        injected({ area: AREA, fault: "killed", point: `${point}, ${step}` });
      }
      expect(readAgeKeys(project.directory, "staging")).toHaveLength(1);
    },
  );

  test.each([
    ["rotate", 2],
    ["rotate", 3],
    ["create", 1],
    ["create", 2],
  ])("%s, at call %i: no file is half written, and the next run works", async (command, call) => {
    if (command === "create") for (const file of FILES.slice(0, 2)) rmSync(project.path(file));
    const point = await killAt(call, command);
    const { password: made, url } = project.has(FILES[0] as string)
      ? project.open("database", "staging")
      : {};
    // What is made of a value is never of another one than stands there.
    if (made) expect(url).toBe(`postgres://app:${made}@db`);
    expect([run(command).status, run("check").stderr, plainFiles()]).toEqual([0, "", []]);
    expect(open()).toHaveLength(NAMES.length);
    injected({ area: AREA, fault: "killed", point });
  });
});
