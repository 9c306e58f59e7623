import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pendingFiles, restoreBackups, type TokenReplacement } from "../../src/static-configuration";
import { type Blow, deadly, inTurns, MOMENTS } from "../static-configuration/support/deadly-files";
import {
  type Files,
  liveFiles,
  makeProject,
  read,
  removeProjects,
  snapshot,
  write,
} from "../static-configuration/support/project-tree";
import { configure, configureWell, program, table } from "../static-configuration/support/run-configure";
import {
  folderOfTools,
  nativeTools,
  realTool,
  removeToolsets,
  toolsets,
  writeTool,
} from "../static-configuration/support/toolsets";
import { injected } from "./support/injected";

const AREA = "static configuration";
// Values that hold placeholders, and two that are swapped: a file that is configured twice shows.
const TABLE = table({
  "example.com": "my-example.com",
  "a.example.com": "example.com",
  "my-cluster": "my-project",
  "my-project": "my-cluster",
});
const LATER = table({
  "example.com": "eu.acme.io",
  "a.example.com": "example.com",
  "my-cluster": "prod",
  "my-project": "my-cluster",
});
const filler = (kilobytes: number) => `# ${"filler ".repeat(9)}\n`.repeat(kilobytes * 15);
const FILES: Files = {
  "flux/a.yaml": "example.com my-cluster my-project\n",
  "flux/b/b.yaml": "a.example.com example.com",
  "flux/b/c d.yaml": "x\r\nexample.com\r\ny\n",
  "flux/b/it's\nd.yaml": `example.com\n${filler(9)}my-project\n`,
  "flux/b/none.yaml": "nothing\n",
  "flux/b/sedabc": "the user's own file\n",
  "flux/e/f/g.yml": "my-cluster",
};

afterEach(removeProjects);
afterAll(removeToolsets);

/** What an undisturbed run makes of the files. */
async function undisturbed(files: Files, replacements: readonly TokenReplacement[] = TABLE) {
  const directory = makeProject(files);
  const originals = snapshot(directory);
  await configureWell(directory, replacements);
  return { originals, expected: snapshot(directory) };
}

/** After a fault each file is as it was or as it was to be, never cut off; its original is there as soon as it differs. */
function expectNothingLost(
  directory: string,
  originals: Readonly<Record<string, string>>,
  expected: Readonly<Record<string, string>>,
  where: unknown,
): void {
  const after = snapshot(directory);
  for (const [path, original] of Object.entries(originals)) {
    const whole = [original, expected[path]].includes(after[path] as string);
    expect({ where, path, whole }).toEqual({ where, path, whole: true });
    if (after[path] !== original)
      expect({ where, path, backup: after[`flux/.backups/${path.slice(5)}.orig`] === original }).toEqual({
        where,
        path,
        backup: true,
      });
  }
}

/** Names the files that differ, and not their contents: some are large. */
function expectTree(
  directory: string,
  expected: Readonly<Record<string, string>>,
  where: Readonly<Record<string, unknown>>,
  apartFrom?: RegExp,
): void {
  const tree = snapshot(directory);
  const all = [...new Set([...Object.keys(tree), ...Object.keys(expected)])];
  const paths = all.filter((path) => !apartFrom?.test(path));
  const different = paths.filter((path) => tree[path] !== expected[path]);
  expect({ ...where, different }).toEqual({ ...where, different: [] });
}

/** The next run ends where an undisturbed one does, and the originals come back. */
async function expectFinished(
  directory: string,
  originals: Readonly<Record<string, string>>,
  expected: Readonly<Record<string, string>>,
  where: unknown,
  replacements: readonly TokenReplacement[] = TABLE,
): Promise<void> {
  await configureWell(directory, replacements);
  expectTree(directory, expected, { where });
  expect({ where, pending: pendingFiles(directory, replacements) }).toEqual({ where, pending: [] });
  restoreBackups(directory);
  expectTree(directory, originals, { where, restored: true });
}

const BLOWS: Readonly<Record<string, Blow>> = {
  "SIGKILL to the process group": { signal: "SIGKILL", group: true },
  "SIGTERM to the process group": { signal: "SIGTERM", group: true },
  "SIGINT to the process group": { signal: "SIGINT", group: true },
  "SIGHUP to the process group": { signal: "SIGHUP", group: true },
  "SIGTERM to the program": { signal: "SIGTERM" },
  "SIGINT to the program": { signal: "SIGINT" },
  "SIGKILL to the program": { signal: "SIGKILL" },
};

/** Each call that changes files or starts sed, with the signals and the moments in turn, so that neighbouring points get different ones. */
function blows(calls: number, each: number) {
  const signals = Object.entries(BLOWS);
  return Array.from({ length: calls * each }, (_, index) => {
    const [fault, blow] = signals[index % signals.length] as [string, Blow];
    return {
      point: 1 + (index % calls),
      moment: MOMENTS[Math.floor(index / 2) % 3] ?? "before",
      fault,
      blow,
    };
  });
}

async function callsOf(directory: string, replacements: readonly TokenReplacement[]): Promise<number> {
  const counting = deadly(0, "before");
  await configureWell(directory, replacements, counting.options);
  return counting.calls();
}

test("a signal at any call that changes files loses nothing, and the next run finishes", async () => {
  const { originals, expected } = await undisturbed(FILES);
  const calls = await callsOf(makeProject(FILES), TABLE);
  expect(calls).toBeGreaterThan(20);
  let struck = 0;
  await inTurns(blows(calls, 3), 3, async ({ point, moment, fault, blow }) => {
    const where = `${fault} ${moment} call ${point}`;
    const directory = makeProject(FILES);
    const fatal = deadly(point, moment, blow);
    await configure(directory, TABLE, fatal.options);
    if (fatal.struck() === "") return;
    struck += 1;
    expectNothingLost(directory, originals, expected, where);
    await expectFinished(directory, originals, expected, where);
    injected({ area: AREA, fault, point: `${moment} call ${point} (${fatal.struck()})` });
  });
  expect(struck).toBeGreaterThan(calls * 2.5);
});

test("a run that a signal ended is restored as it is, and nothing of it is left behind", async () => {
  const { originals } = await undisturbed(FILES);
  const calls = await callsOf(makeProject(FILES), TABLE);
  await inTurns(blows(calls, 1), 3, async ({ point, moment, fault, blow }) => {
    const directory = makeProject(FILES);
    const fatal = deadly(point, moment, blow);
    await configure(directory, TABLE, fatal.options);
    expect({ point, moment, fault, refused: restoreBackups(directory).refused }).toEqual({
      point,
      moment,
      fault,
      refused: [],
    });
    expectTree(directory, originals, { point, moment, fault });
    if (fatal.struck() !== "")
      injected({ area: AREA, fault: `${fault}, then restore`, point: `${moment} call ${point}` });
  });
});

/** Tools with a sed that does something before it works or fails; `real` is the one of this machine. */
function oddSed(script: (real: string) => string) {
  const folder = folderOfTools();
  writeTool(folder, "sed", script(realTool("sed")));
  return { ...nativeTools(), path: `${folder}:${nativeTools().path}` };
}

test.each([
  { what: "is killed while it writes", script: () => "printf 'exam'; kill -KILL $$" },
  { what: "fails at the end", script: (real: string) => `'${real}' "$@"; exit 4` },
  { what: "ends well, and cut its output off", script: (real: string) => `'${real}' "$@" | head -c 30` },
  {
    what: "replaces something else",
    script: (real: string) => `'${real}' "$@" | '${real}' s/my-example/mine/`,
  },
  { what: "adds lines", script: (real: string) => `'${real}' "$@" | '${real}' 'p'` },
])("a sed that $what changes no file, and the next run finishes", async ({ what, script }) => {
  const { originals, expected } = await undisturbed(FILES);
  for (const then of ["run", "restore"]) {
    const directory = makeProject(FILES);
    const { status, stderr } = await configure(directory, TABLE, { tools: oddSed(script) });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/sed [\s\S]*nothing was changed/),
    });
    expectTree(directory, originals, { what });
    if (then === "run") await expectFinished(directory, originals, expected, what);
    else expect(restoreBackups(directory).refused).toEqual([]);
    expectTree(directory, originals, { what, then });
    injected({ area: AREA, fault: `a sed that ${what}`, point: `then ${then}` });
  }
});

test.each(["KILL", "TERM", "INT", "HUP"])(
  "SIG%s while sed works changes no file, and the next run finishes",
  async (signal) => {
    const { originals, expected } = await undisturbed(FILES);
    const directory = makeProject(FILES);
    const tools = oddSed((real) => `kill -${signal} "$PPID"; sleep 0.1; exec '${real}' "$@"`);
    const { status } = await configure(directory, TABLE, { tools });
    expect(status).not.toBe(0);
    expectTree(directory, originals, { signal }, /^flux\/\.backups\/\.(?:lock|run)\//);
    await expectFinished(directory, originals, expected, signal);
    injected({ area: AREA, fault: `SIG${signal} to the program`, point: "while sed works" });
  },
);

test("a new value that a signal interrupts is brought everywhere by the next run, edits included", async () => {
  const start = async () => {
    const directory = makeProject(FILES);
    await configureWell(directory, TABLE);
    write(directory, "flux/a.yaml", `# mine\n${read(directory, "flux/a.yaml")}mine: too\n`);
    return directory;
  };
  const direct = await start();
  const calls = await callsOf(direct, LATER);
  const expected = snapshot(direct);
  await inTurns(blows(calls, 1), 3, async ({ point, moment, fault, blow }) => {
    const directory = await start();
    const fatal = deadly(point, moment, blow);
    await configure(directory, LATER, fatal.options);
    expect(read(directory, "flux/a.yaml")).toMatch(/^# mine\n[\s\S]*\nmine: too\n$/);
    await configureWell(directory, LATER);
    expectTree(directory, expected, { point, moment, fault });
    expect(restoreBackups(directory).refused).toEqual(["flux/a.yaml"]);
    if (fatal.struck() !== "")
      injected({ area: AREA, fault: `${fault}, with a new value`, point: `${moment} call ${point}` });
  });
});

test("of three runs at once one is killed, and the others do the work", async () => {
  const { originals, expected } = await undisturbed(FILES);
  const calls = await callsOf(makeProject(FILES), TABLE);
  const points = Array.from({ length: Math.floor(calls / 4) }, (_, index) => 2 + index * 4);
  await inTurns(points, 2, async (point) => {
    const directory = makeProject(FILES);
    const fatal = deadly(point, "after", { signal: "SIGKILL", group: true });
    await Promise.all([
      configure(directory, TABLE, fatal.options),
      configureWell(directory, TABLE),
      configureWell(directory, TABLE),
    ]);
    // When the one that is killed comes last, the work is done, and what it left is for the next run to clear away.
    expectTree(directory, expected, { point }, /^flux\/\.backups\/\.(?:lock|run)\//);
    await expectFinished(directory, originals, expected, point);
    if (fatal.struck() !== "")
      injected({ area: AREA, fault: "one of three runs at once killed", point: `call ${point}` });
  });
});

/** A disk of its own in memory; undefined where none can be mounted. */
function mountDisk(): { directory: string; unmount: () => void } | undefined {
  const directory = mkdtempSync(join(tmpdir(), "small-disk-"));
  const unmount = () => {
    spawnSync("umount", [directory]);
    rmSync(directory, { recursive: true, force: true });
  };
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m,nr_inodes=400", "tmpfs", directory]).status === 0)
    return { directory, unmount };
  rmSync(directory, { recursive: true, force: true });
  return undefined;
}

// Every step where a tool writes to the files itself or does not tell that the disk is full; fewer with the strict tools.
describe.each(toolsets().map((tools, index) => ({ tools, name: tools.name, step: [1, 3, 1][index] ?? 1 })))(
  "a full disk, with $name",
  ({ tools, step }) => {
    const disk = mountDisk();
    afterAll(() => disk?.unmount());
    if (!disk)
      console.warn(
        "A full disk is only tested with a limit of the file size here: only root can mount a small one",
      );
    const onDisk = disk ? test : test.skip;

    onDisk.each(["blocks", "files"] as const)("with any number of %s left nothing is lost", async (kind) => {
      const { originals, expected } = await undisturbed(FILES);
      const { directory: root } = disk as { directory: string };
      let failures = 0;
      for (let left = 0; ; left += kind === "blocks" ? step : 3) {
        expect(left).toBeLessThan(150);
        const directory = makeProject(FILES, root);
        const ballast = fill(root, kind, left);
        const { status, stderr } = await configure(directory, TABLE, { tools });
        const where = `${left} ${kind} left`;
        expectNothingLost(directory, originals, expected, where);
        if (status === 0) expectTree(directory, expected, { where });
        else
          expect({ where, stderr }).toEqual({
            where,
            stderr: expect.stringMatching(/static configuration: flux[\s\S]*free disk space/),
          });
        ballast.remove();
        await expectFinished(directory, originals, expected, where);
        rmSync(directory, { recursive: true });
        if (status === 0) break;
        failures += 1;
        injected({ area: AREA, fault: `disk full (${kind})`, point: `${tools.name}: ${where}` });
      }
      expect(failures).toBeGreaterThan(3);
    });

    onDisk("a new value on a full disk loses no edit and no old value", async () => {
      const { directory: root } = disk as { directory: string };
      const start = async (parent?: string) => {
        const directory = makeProject(FILES, parent);
        await configureWell(directory, TABLE);
        write(directory, "flux/a.yaml", `# mine\n${read(directory, "flux/a.yaml")}`);
        return directory;
      };
      const direct = await start();
      const before = liveFiles(direct);
      await configureWell(direct, LATER);
      const expected = snapshot(direct);
      for (let left = 0; ; left += 3) {
        expect(left).toBeLessThan(150);
        const directory = await start(root);
        const ballast = fill(root, "blocks", left);
        const { status } = await configure(directory, LATER, { tools });
        for (const [path, text] of Object.entries(liveFiles(directory)))
          expect({ left, path, whole: [before[path], expected[path]].includes(text) }).toEqual({
            left,
            path,
            whole: true,
          });
        ballast.remove();
        await configureWell(directory, LATER);
        expectTree(directory, expected, { left });
        rmSync(directory, { recursive: true });
        if (status === 0) break;
        injected({ area: AREA, fault: "disk full (new value)", point: `${tools.name}: ${left} blocks left` });
      }
    });
  },
);

/** Uses up a small disk until so many blocks of 4 kB, or so many files, are left. */
function fill(root: string, kind: "blocks" | "files", left: number): { remove: () => void } {
  const ballast = join(root, "ballast");
  rmSync(ballast, { recursive: true, force: true });
  mkdirSync(ballast);
  const { bavail, bsize, ffree } = statfsSync(root);
  if (kind === "blocks")
    writeFileSync(join(ballast, "blocks"), Buffer.alloc(Math.max(0, bavail - left) * bsize));
  else for (let index = 0; index < ffree - left; index += 1) writeFileSync(join(ballast, String(index)), "");
  return { remove: () => rmSync(ballast, { recursive: true }) };
}

/** The user that gets no rights from being root; this one where it isn't root anyway. */
const NOBODY = process.getuid?.() === 0 ? 65_534 : undefined;

/** A project that belongs to that user, with a script that it can read. */
function projectOfNobody(files: Files): { directory: string; script: string } {
  const directory = makeProject(files);
  const script = join(directory, "configure.js");
  copyFileSync(program(), script);
  chmodSync(script, 0o755);
  if (NOBODY !== undefined) {
    const { status } = spawnSync("chown", ["-R", `${NOBODY}:${NOBODY}`, directory]);
    expect(status).toBe(0);
  }
  return { directory, script };
}

describe("what may not be written", () => {
  const PLAIN = {
    "flux/a.yaml": "example.com\n",
    "flux/b/b.yaml": "my-cluster\n",
    "flux/c.yaml": "my-project\n",
  };
  const modes = (path: string, forbidden: number, allowed: number) => ({
    forbid: (directory: string) => chmodSync(join(directory, path), forbidden),
    allow: (directory: string) => chmodSync(join(directory, path), allowed),
  });
  test.each([
    {
      what: "a read-only file",
      named: "flux/b/b.yaml: is read-only",
      ...modes("flux/b/b.yaml", 0o444, 0o644),
    },
    { what: "a file that can't be read", named: "flux/b/b.yaml", ...modes("flux/b/b.yaml", 0o000, 0o644) },
    {
      what: "a read-only folder",
      named: "flux/b/b.yaml: cannot be written",
      ...modes("flux/b", 0o555, 0o755),
    },
    { what: "a folder that can't be entered", named: "flux/b", ...modes("flux/b", 0o000, 0o755) },
    { what: "a read-only tree", named: "flux/.backups: cannot be created", ...modes("flux", 0o555, 0o755) },
  ])(
    "$what stops it with the place and the fix, nothing is lost, and the next run finishes",
    async (fault) => {
      const { originals, expected } = await undisturbed(PLAIN);
      const { directory, script } = projectOfNobody(PLAIN);
      fault.forbid(directory);
      const { status, stderr } = await configure(directory, TABLE, { user: NOBODY, script });
      fault.allow(directory);
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(fault.named) });
      expect(stderr).toMatch(/make .* writable|permissions/);
      expectNothingLost(directory, originals, expected, fault.what);
      const { status: second } = await configure(directory, TABLE, { user: NOBODY, script });
      expect(second).toBe(0);
      await expectFinished(directory, originals, expected, fault.what);
      injected({ area: AREA, fault: "not writable", point: fault.what });
    },
  );

  test("backups that became read-only stop it, and no file is changed without its original", async () => {
    const { directory, script } = projectOfNobody(PLAIN);
    await configure(directory, TABLE, { user: NOBODY, script });
    write(directory, "flux/d.yaml", "example.com\n");
    if (NOBODY !== undefined) chownSync(join(directory, "flux/d.yaml"), NOBODY, NOBODY);
    const before = snapshot(directory);
    chmodSync(join(directory, "flux/.backups"), 0o555);
    const { status, stderr } = await configure(directory, TABLE, { user: NOBODY, script });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining("make flux/.backups writable"),
    });
    expect(snapshot(directory)).toEqual(before);
    chmodSync(join(directory, "flux/.backups"), 0o755);
    expect((await configure(directory, TABLE, { user: NOBODY, script })).status).toBe(0);
    expect(read(directory, "flux/d.yaml")).toBe("my-example.com\n");
    injected({ area: AREA, fault: "not writable", point: "the backups" });
  });

  const immutable = (() => {
    const probe = mkdtempSync(join(tmpdir(), "immutable-"));
    const possible = spawnSync("chattr", ["+i", probe]).status === 0;
    if (possible) spawnSync("chattr", ["-i", probe]);
    rmSync(probe, { recursive: true });
    return possible;
  })();
  (immutable ? test : test.skip)(
    "a file that not even root may change stops it, and the next run finishes",
    async () => {
      const { originals, expected } = await undisturbed(PLAIN);
      for (const path of ["flux/a.yaml", "flux/b/b.yaml", "flux/c.yaml"]) {
        const directory = makeProject(PLAIN);
        expect(spawnSync("chattr", ["+i", join(directory, path)]).status).toBe(0);
        const { status, stderr } = await configure(directory, TABLE);
        expect(spawnSync("chattr", ["-i", join(directory, path)]).status).toBe(0);
        expect({ status, stderr }).toEqual({
          status: 1,
          stderr: expect.stringContaining(`${path}: cannot be written`),
        });
        expectNothingLost(directory, originals, expected, path);
        await expectFinished(directory, originals, expected, path);
        injected({ area: AREA, fault: "not writable", point: `immutable: ${path}` });
      }
    },
  );
});

describe.each(toolsets())("large and odd files, with $name", (tools) => {
  test("fifty megabytes, a line of a megabyte, a thousand placeholders in a line", async () => {
    const line = `${"example.com ".repeat(1_000)}${"x".repeat(2 ** 20)} my-cluster`;
    const large = `example.com\n${"# 0123456789 0123456789 0123456789 0123456789\n".repeat(1_100_000)}my-project`;
    expect(large.length).toBeGreaterThan(50 * 10 ** 6);
    const files = { "flux/large.yaml": large, "flux/line.yaml": line };
    const directory = makeProject(files);
    const originals = snapshot(directory);
    await configureWell(directory, TABLE, { tools });
    const live = liveFiles(directory);
    // Compared as a whole, so that a failure does not print fifty megabytes.
    expect(
      live["flux/large.yaml"] ===
        large.replace("example.com", "my-example.com").replace(/my-project$/, "my-cluster"),
    ).toBe(true);
    expect(
      live["flux/line.yaml"] ===
        line.replaceAll("example.com", "my-example.com").replace("my-cluster", "my-project"),
    ).toBe(true);
    expect(pendingFiles(directory, TABLE)).toEqual([]);
    restoreBackups(directory);
    const after = snapshot(directory);
    expect(Object.keys(after)).toEqual(Object.keys(originals));
    for (const [path, text] of Object.entries(originals))
      expect({ path, same: after[path] === text }).toEqual({ path, same: true });
    injected({ area: AREA, fault: "large files", point: tools.name });
  });
});
