import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../support/example";

let root: string;
let lock: string;
beforeEach(() => {
  // Has its packages, and nothing that can be built: whoever gets the lock fails at once.
  root = mkdtempSync(join(tmpdir(), "prepare-"));
  symlinkSync(join(REPOSITORY, "node_modules"), join(root, "node_modules"));
  for (const source of ["main.ts", "src", "sandbox", "scripts", "package-lock.json", "tsconfig.json"])
    writeFileSync(join(root, source), "");
  lock = join(root, ".preparing");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function prepare(): { child: ChildProcess; errors: () => string; ended: Promise<number | null> } {
  const script = JSON.stringify(join(REPOSITORY, "scripts/prepare.mjs"));
  const child = spawn(
    process.execPath,
    ["-e", `import(${script}).then(({ prepare }) => prepare(${JSON.stringify(root)}))`],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  return { child, errors: () => text, ended: new Promise((resolve) => child.once("close", resolve)) };
}

test("a command waits while another one prepares the checkout, says so once, and goes on after it", async () => {
  writeFileSync(lock, String(process.pid));
  const { child, errors, ended } = prepare();
  while (!errors().includes("Waiting")) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect([child.exitCode, errors()]).toEqual([
    null,
    `Waiting for another command that prepares this checkout … (if there is none, delete ${lock})\n`,
  ]);
  rmSync(lock);
  await ended;
  expect(errors()).toContain("Could not resolve");
  expect(existsSync(lock)).toBe(false);
});

test("a lock that a killed command has left behind is taken over", async () => {
  const gone = spawnSync(process.execPath, ["-e", ""]).pid;
  writeFileSync(lock, String(gone));
  const { errors, ended } = prepare();
  await ended;
  expect(errors()).not.toContain("Waiting");
  expect(existsSync(lock)).toBe(false);
});

describe("a checkout that cannot be written", () => {
  /** Prepares a checkout as somebody who may only read it; root may write everywhere. */
  function prepareAsReader() {
    const script = join(root, "prepare.mjs");
    cpSync(join(REPOSITORY, "scripts/prepare.mjs"), script);
    const isRoot = process.getuid?.() === 0;
    const reader = isRoot ? { uid: 65534, gid: 65534 } : {};
    // Root's own programs may lie where nobody else comes.
    const node = isRoot ? join(root, "node") : process.execPath;
    if (isRoot) cpSync(process.execPath, node, { dereference: true });
    chmodSync(root, 0o555);
    try {
      return spawnSync(
        node,
        ["-e", `import(${JSON.stringify(script)}).then(({ prepare }) => prepare(${JSON.stringify(root)}))`],
        { encoding: "utf8", cwd: root, ...reader },
      );
    } finally {
      chmodSync(root, 0o755);
    }
  }

  test("says which path, why, and what to do", () => {
    const { status, stderr } = prepareAsReader();
    expect(status).toBe(1);
    expect(stderr).toBe(
      `${lock} cannot be written: permission denied. The packages (node_modules) and the programs (dist) of this checkout are missing or older than its sources, and commands write them there. Make ${root} writable for you, or clone it into a directory of your own.\n`,
    );
  });

  test("is good enough when everything is there", () => {
    mkdirSync(join(root, "dist"));
    writeFileSync(join(root, "dist", "built"), "");
    expect(prepareAsReader()).toMatchObject({ status: 0, stderr: "" });
  });
});

test("a checkout with CRLF in its shell scripts is refused with the way to LF", async () => {
  writeFileSync(join(root, "setup.sh"), "set -u\r\n");
  const { errors, ended } = prepare();
  expect(await ended).toBe(1);
  expect(errors()).toMatch(/^setup\.sh has CRLF line ends, .*git reset --hard\n$/);
});
