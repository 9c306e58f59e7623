// Starts a command of hybrid-gitops on a checkout of any state: installs the packages when they are missing or older
// than the lock file, bundles the sources when they have changed, then runs the command in this process.
// Plain JavaScript without packages, since it runs before there are any.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepare } from "./prepare.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
await prepare(root);

const [command, ...rest] = process.argv.slice(2);
const require = createRequire(import.meta.url);
if (command === "app") {
  require(join(root, "dist", "main.js"));
} else {
  process.argv.splice(2, process.argv.length, ...(command === undefined ? [] : [command]), ...rest);
  require(join(root, "dist", "cli.js"));
}
