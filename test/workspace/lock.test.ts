import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SANDBOX_DIRECTORY } from "../../src/place";
import { isAlive, ownIdentity } from "../../src/processes";
import { commandAtWork, lockLeftBehind, lockWorkspace } from "../../src/workspace/lock";

// The very object that the sources call: an import would be a copy.
const fs = require("node:fs") as typeof import("node:fs");

let folder: string;
let file: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hybrid-gitops-lock-test-"));
  file = join(folder, ".lock");
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** A process that runs until the test ends. */
function otherProcess(): number {
  const child = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"], { stdio: "ignore" });
  children.push(child);
  return child.pid as number;
}
const endedProcess = (): number => spawnSync(process.execPath, ["-e", ""]).pid;
const write = (owner: object) => writeFileSync(file, JSON.stringify(owner));
const age = (seconds: number) => {
  const then = new Date(Date.now() - seconds * 1000);
  utimesSync(file, then, then);
};

test("keeps another command out while it is held, and lets it in afterwards", () => {
  const unlock = lockWorkspace(file, "deploy");
  expect(() => lockWorkspace(file, "diff")).toThrow(
    `\`npm run deploy\` is at work here (process ${process.pid}): wait until it has ended, or end it. If no such command runs, delete ${file}`,
  );
  expect(commandAtWork(file)).toBe(`npm run deploy (process ${process.pid})`);
  unlock();
  unlock();
  expect([existsSync(file), commandAtWork(file), lockLeftBehind(file)]).toEqual([
    false,
    undefined,
    undefined,
  ]);
  lockWorkspace(file, "diff")();
});

test("in a sandbox the command is named with it, and the lock by its path from the checkout", () => {
  const name = `test-lock-${process.pid}`;
  mkdirSync(SANDBOX_DIRECTORY, { recursive: true });
  file = join(SANDBOX_DIRECTORY, `${name}.lock`);
  const unlock = lockWorkspace(file, "deploy");
  try {
    expect(() => lockWorkspace(file, "diff")).toThrow(
      `\`npm run deploy -- --sandbox ${name}\` is at work here (process ${process.pid}): wait until it has ended, or end it. If no such command runs, delete .sandbox/${name}.lock`,
    );
    expect(commandAtWork(file)).toBe(`npm run deploy -- --sandbox ${name} (process ${process.pid})`);
  } finally {
    unlock();
  }
  const end = lockWorkspace(file, "demo");
  try {
    expect(commandAtWork(file)).toBe(`npm run demo (process ${process.pid})`);
  } finally {
    end();
  }
});

test("a process that runs is respected, one that was killed is not", () => {
  const pid = otherProcess();
  write({ pid, command: "deploy" });
  expect(() => lockWorkspace(file, "diff")).toThrow(`\`npm run deploy\` is at work here (process ${pid})`);
  write({ pid: endedProcess(), command: "deploy" });
  expect([commandAtWork(file), lockLeftBehind(file)]).toEqual([
    undefined,
    expect.stringMatching(/^npm run deploy \(process \d+\)$/),
  ]);
  lockWorkspace(file, "diff")();
});

/** A command whose number is still there after it was killed, since its parent never asks about it. */
async function zombie(): Promise<number> {
  const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(parent);
  const pid = await new Promise<number>((resolve) =>
    parent.stdout.once("data", (text: Buffer) => resolve(Number(text))),
  );
  const until = async (reached: () => boolean) => {
    for (let round = 0; round < 150 && !reached(); round++)
      await new Promise((proceed) => setTimeout(proceed, 20));
    expect(reached()).toBe(true);
  };
  const ps = (column: string, of: number | undefined) =>
    spawnSync("ps", ["-o", `${column}=`, "-p", String(of)], { encoding: "utf8" }).stdout.trim();
  // As long as the parent is a shell it would ask.
  await until(() => ps("comm", parent.pid).endsWith("sleep"));
  process.kill(pid, "SIGKILL");
  await until(() => ps("stat", pid).startsWith("Z"));
  return pid;
}

test.each(["/proc", "ps"])(
  "a command that was killed and that its parent has not asked about holds nothing, by %s",
  async (source) => {
    const pid = await zombie();
    const running = otherProcess();
    const read = fs.readFileSync;
    const hidden = jest.spyOn(fs, "readFileSync").mockImplementation(((path: string, ...rest: []) => {
      if (source === "ps" && String(path).startsWith("/proc/")) throw new Error("ENOENT: no /proc here");
      return read(path, ...rest);
    }) as typeof read);
    try {
      write({ pid: running, command: "deploy" });
      expect(commandAtWork(file)).toBe(`npm run deploy (process ${running})`);
      write({ pid, command: "deploy" });
      expect([commandAtWork(file), lockLeftBehind(file)]).toEqual([
        undefined,
        `npm run deploy (process ${pid})`,
      ]);
      lockWorkspace(file, "diff")();
    } finally {
      hidden.mockRestore();
    }
  },
);

test("a number that was given to another process, after a reboot say, holds nothing", () => {
  const pid = otherProcess();
  const { host } = ownIdentity();
  write({ pid, host, started: "another-boot 12345", command: "deploy" });
  expect(commandAtWork(file)).toBeUndefined();
  lockWorkspace(file, "diff")();
});

test("a lock of an earlier process with this process's own number holds nothing", () => {
  write({ ...ownIdentity(), started: "another-boot 1", command: "deploy" });
  lockWorkspace(file, "diff")();
  write({ pid: process.pid, command: "deploy" });
  lockWorkspace(file, "diff")();
});

test("the start of a process tells it from another one and stays the same", () => {
  expect(ownIdentity().started).toBeTruthy();
  expect(isAlive(ownIdentity())).toBe(true);
  expect(isAlive({ ...ownIdentity(), started: "1" })).toBe(false);
  expect(isAlive({ ...ownIdentity(), host: "elsewhere" })).toBeUndefined();
});

test("a lock of another machine is respected as long as it is renewed", () => {
  write({ pid: 1, host: "colleague pid:[1]", started: "x", command: "deploy" });
  expect(() => lockWorkspace(file, "diff")).toThrow(
    "`npm run deploy` is at work here (process 1 on colleague): wait until it has ended",
  );
  age(3600);
  expect(lockLeftBehind(file)).toBe("npm run deploy (process 1)");
  lockWorkspace(file, "diff")();
});

test("a held lock is renewed, so that other machines see it alive", () => {
  jest.useFakeTimers({ doNotFake: ["Date"] });
  try {
    const unlock = lockWorkspace(file, "deploy");
    age(3600);
    jest.advanceTimersByTime(20_000);
    expect(Date.now() - fs.statSync(file).mtimeMs).toBeLessThan(5_000);
    unlock();
    jest.advanceTimersByTime(60_000);
    expect(existsSync(file)).toBe(false);
  } finally {
    jest.useRealTimers();
  }
});

test.each(["", "{", "garbage", "null", "[]", '{"pid": -1}', '{"pid": "1"}', "\0\0\0"])(
  "a lock file with %j, which no command writes, is taken over",
  (text) => {
    writeFileSync(file, text);
    age(10);
    expect([commandAtWork(file), lockLeftBehind(file)]).toEqual([undefined, "A command"]);
    const unlock = lockWorkspace(file, "deploy");
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ pid: process.pid, command: "deploy" });
    unlock();
  },
);

test("an empty lock that was just made is given the time to be filled in", () => {
  writeFileSync(file, "");
  const begun = Date.now();
  lockWorkspace(file, "deploy")();
  expect(Date.now() - begun).toBeGreaterThan(1_000);
});

test("a lock that somebody else has taken over is not given back", () => {
  const unlock = lockWorkspace(file, "deploy");
  const other = JSON.stringify({ pid: otherProcess(), command: "destroy" });
  writeFileSync(file, other);
  unlock();
  expect(readFileSync(file, "utf8")).toBe(other);
});

test("works on file systems without hard links", () => {
  const link = jest.spyOn(fs, "linkSync").mockImplementation(() => {
    throw Object.assign(new Error("EPERM: operation not permitted, link"), { code: "EPERM" });
  });
  try {
    const unlock = lockWorkspace(file, "deploy");
    expect(link).toHaveBeenCalled();
    expect(() => lockWorkspace(file, "diff")).toThrow("`npm run deploy` is at work here");
    unlock();
    write({ pid: endedProcess(), command: "deploy" });
    lockWorkspace(file, "diff")();
    expect(fs.readdirSync(folder)).toEqual([]);
  } finally {
    link.mockRestore();
  }
});

test("where no lock can be made, the place and the reason are told", () => {
  const inside = join(folder, "file");
  writeFileSync(inside, "");
  const write = jest.spyOn(fs, "writeFileSync").mockImplementation(() => {
    throw Object.assign(new Error("EROFS: read-only file system"), { code: "EROFS" });
  });
  try {
    expect(() => lockWorkspace(file, "deploy")).toThrow(
      `The lock that keeps other commands out can't be made: the file system is read-only (${file}). Make ${folder} writable for you, and room on its disk.`,
    );
  } finally {
    write.mockRestore();
  }
});

test("of many that take over a stale lock at once, one gets it at a time", async () => {
  write({ pid: endedProcess(), command: "deploy" });
  mkdirSync(join(folder, "inside"));
  const { buildSync } = require("esbuild") as typeof import("esbuild");
  const bundle = join(folder, "lock.cjs");
  buildSync({
    entryPoints: [join(__dirname, "../../src/workspace/lock.ts")],
    bundle: true,
    platform: "node",
    outfile: bundle,
  });
  // Each notes itself inside, waits, and fails when another one is inside, too.
  const program = `const fs = require("node:fs"); const { lockWorkspace } = require(${JSON.stringify(bundle)});
    for (let rounds = 0; rounds < 20; ) {
      let unlock; try { unlock = lockWorkspace(${JSON.stringify(file)}, "diff"); } catch { continue; }
      const own = ${JSON.stringify(join(folder, "inside"))} + "/" + process.pid;
      fs.writeFileSync(own, "");
      const inside = fs.readdirSync(${JSON.stringify(join(folder, "inside"))});
      fs.rmSync(own); unlock(); rounds++;
      if (inside.length > 1) { console.log("together: " + inside); process.exit(1); }
    }`;
  const ends = await Promise.all(
    [1, 2, 3].map(
      () =>
        new Promise((resolve) => {
          const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "inherit", "inherit"] });
          children.push(child);
          child.once("close", resolve);
        }),
    ),
  );
  expect(ends).toEqual([0, 0, 0]);
});
