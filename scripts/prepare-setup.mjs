// Prepares a checkout for ./setup.sh, whose report has to come out whatever happens: where the packages can't be installed, that is the
// finding. Plain JavaScript without packages, since it runs before there are any.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** npm explains all its options too; the reason stands first. */
const MOST_LINES = 12;

/**
 * Installs the packages and bundles the sources, unless nothing may be changed.
 * @param {string} root the checkout
 * @param {readonly string[]} words the arguments of ./setup.sh
 * @returns {boolean} whether the command can run; otherwise the finding is printed
 */
export function prepareSetup(root, words) {
  // Its help, and what is wrong with its arguments, need nothing that isn't there already.
  const isReady = existsSync(join(root, "dist", "cli.js"));
  const json = words.includes("--json");
  if (words.includes("--check") && isReady) return true;
  if (words.includes("--check"))
    return report(json, {
      message: "the packages are not installed, and nothing can be checked without them",
      fix: "run ./setup.sh without --check",
    });
  if (!json && !existsSync(join(root, "node_modules")))
    console.log("Installing the packages, once (a minute or two) ...");
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "scripts", "prepare.mjs")], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (status === 0) return true;
  const reason = `${stdout ?? ""}${stderr ?? ""}`.trim().split("\n").slice(0, MOST_LINES).join("\n");
  return report(json, {
    message: `the packages can't be installed:\n${reason}`,
    fix: "npm ci shows all of it",
  });
}

function report(json, { message, fix }) {
  if (json) {
    const findings = [{ check: "packages", status: "missing", message, fix }];
    console.log(JSON.stringify({ ready: false, findings, changes: [] }, null, 2));
  } else {
    console.log(`  missing    ${message.replaceAll("\n", "\n             ")}\n             Fix: ${fix}\n`);
    console.log("Not ready: nothing else can be checked without them. Then run ./setup.sh again.");
  }
  process.exitCode = 1;
  return false;
}
