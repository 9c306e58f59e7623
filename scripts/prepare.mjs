// Makes a checkout ready to run: Node's version, packages, bundles. Safe to run at any time; does nothing when all is there.
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const MINIMUM_NODE = [20, 12];

/** What the bundles in dist/ are made from. */
const SOURCES = ["main.ts", "src", "sandbox", "scripts", "package-lock.json", "tsconfig.json"];

export async function prepare(root) {
  checkNode();
  if (isInstalled(root) && isBuilt(root)) return;
  checkLineEnds(root);
  const unlock = await orUnwritable(root, () => lock(join(root, ".preparing")));
  try {
    // Another command may have done it meanwhile.
    if (!isInstalled(root)) install(root);
    if (!isBuilt(root)) await orUnwritable(root, async () => (await import("./build.mjs")).build(root));
  } finally {
    unlock();
  }
}

const UNWRITABLE = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota of the disk is used up",
};

/** Ends with what to do when a checkout cannot be written. */
async function orUnwritable(root, work) {
  try {
    return await work();
  } catch (error) {
    const reason = UNWRITABLE[error.code];
    if (reason === undefined) throw error;
    fail(
      `${error.path ?? root} cannot be written: ${reason}. The packages (node_modules) and the programs (dist) of this checkout are missing or older than its sources, and commands write them there. Make ${root} writable for you, or clone it into a directory of your own.`,
    );
  }
}

/** Shell scripts with CRLF don't run. A clone from before .gitattributes keeps them after a pull. */
function checkLineEnds(root) {
  const script = "setup.sh";
  if (!existsSync(join(root, script)) || !readFileSync(join(root, script)).includes("\r\n")) return;
  fail(
    `${script} has CRLF line ends, so no shell can run it: this checkout was made with core.autocrlf=true and without .gitattributes, or an editor converted it. Commit your changes, then check everything out again: git rm -r --cached --quiet . && git reset --hard`,
  );
}

const WAIT_MS = 250;

/**
 * Lets one command at a time prepare a checkout: `npm ci` empties node_modules under the others. A lock whose process is gone is
 * taken over.
 */
async function lock(file) {
  let told = false;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!isHeld(file)) rmSync(file, { force: true });
    else if (!told) {
      console.error(
        `Waiting for another command that prepares this checkout … (if there is none, delete ${file})`,
      );
      told = true;
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}

function isHeld(file) {
  try {
    const { mtimeMs } = statSync(file);
    const owner = Number(readFileSync(file, "utf8"));
    // Without a number it is being written at this moment.
    if (owner === 0) return Date.now() - mtimeMs < 10 * WAIT_MS;
    process.kill(owner, 0);
    return owner !== process.pid;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function isBuilt(root) {
  const built = join(root, "dist", "built");
  return existsSync(built) && newest(SOURCES.map((source) => join(root, source))) <= statSync(built).mtimeMs;
}

function isInstalled(root) {
  // Packages of another checkout: npm ci would empty that one's folder.
  if (lstatSync(join(root, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink()) return true;
  const installed = join(root, "node_modules", ".package-lock.json");
  return (
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs
  );
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1])) return;
  fail(
    `Node ${process.versions.node} is too old: version ${MINIMUM_NODE.join(".")} or later is needed (nodejs.org, or \`mise install\`).`,
  );
}

function install(root) {
  console.error("Installing packages (npm ci), once …");
  const result = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", process.stderr, process.stderr],
    // npm hands its own options down as environment variables; a production install would leave out the bundler.
    env: { ...process.env, NODE_ENV: "", npm_config_omit: "" },
  });
  if (result.error) fail(`npm can't be run (${result.error.message}): install Node with npm.`);
  if (result.status !== 0)
    fail(
      "npm ci failed, see above. Without network access the packages can't be installed; otherwise run `npm ci` by hand.",
    );
}

function newest(paths) {
  return Math.max(
    ...paths.map((path) => {
      // Git may be changing the checkout at this moment.
      const status = statSync(path, { throwIfNoEntry: false });
      if (!status?.isDirectory()) return status?.mtimeMs ?? 0;
      return Math.max(status.mtimeMs, newest(readdirSync(path).map((name) => join(path, name))));
    }),
    0,
  );
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

// `node scripts/prepare.mjs`: what `npm test` and the other scripts run first.
if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await prepare(dirname(dirname(fileURLToPath(import.meta.url))));
}
