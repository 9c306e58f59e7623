// Starts a command of hybrid-gitops on a checkout of any state: installs the packages when they are missing or older
// than the lock file, bundles the sources when they have changed, then runs the command in this process.
// Plain JavaScript without packages, since it runs before there are any.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadBundle } from "./load-bundle.mjs";
import { prepare } from "./prepare.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
await prepare(root);

loadBundle(join(root, "dist", process.argv[2] === "app" ? "main.js" : "cli.js"));
