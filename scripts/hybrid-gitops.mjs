// Starts a command of hybrid-gitops on a checkout of any state: installs the packages when they are missing or older
// than the lock file, bundles the sources when they have changed, then runs the command in this process.
// Plain JavaScript without packages, since it runs before there are any.
import * as module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepare } from "./prepare.mjs";
import { prepareSetup } from "./prepare-setup.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [command, ...words] = process.argv.slice(2);
// ./setup.sh reports what is in its way instead of ending with it.
const canRun = command === "setup" ? prepareSetup(root, words) : await prepare(root).then(() => true);

if (canRun) {
  // Compiling three megabytes of JavaScript is half of what a short command does. Node keeps the result by its own version and the
  // file's content; Node 20 can't, and compiles each time.
  module.enableCompileCache?.(join(root, "dist", "compile-cache"));
  module.createRequire(import.meta.url)(join(root, "dist", command === "app" ? "main.js" : "cli.js"));
}
