const { existsSync, mkdtempSync, readFileSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");

/** A jest reporter: makes the folder of the run, prints what was measured, and keeps the logs of a run that failed. */
module.exports = class RunReport {
  onRunStart() {
    this.directory = mkdtempSync(path.join(tmpdir(), "hybrid-gitops-e2e-"));
    process.env.E2E_DIRECTORY = this.directory;
    process.stdout.write(`Logs of this run: ${this.directory}\n`);
    // jest ends at once; the programs are ended by the reaper beside it.
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ]) {
      process.once(signal, () => {
        process.stdout.write(`\nInterrupted. Logs of every program: ${this.directory}\n`);
        process.exit(code);
      });
    }
  }

  onRunComplete(_contexts, { numFailedTestSuites, wasInterrupted }) {
    this.printMeasurements();
    if (numFailedTestSuites === 0 && !wasInterrupted && !process.env.E2E_KEEP) {
      rmSync(this.directory, { recursive: true, force: true });
      process.stdout.write("Everything went well, so the logs are deleted (E2E_KEEP=1 keeps them).\n");
    } else {
      process.stdout.write(`Logs of every program: ${this.directory}\n`);
    }
  }

  printMeasurements() {
    const file = path.join(this.directory, "measurements.jsonl");
    if (!existsSync(file)) return;
    const lines = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const widths = ["part", "what"].map((key) => Math.max(...lines.map((line) => line[key].length)));
    for (const { part, what, seconds } of lines) {
      const time = seconds.toFixed(2).padStart(7);
      process.stdout.write(`${part.padEnd(widths[0])}  ${what.padEnd(widths[1])} ${time} s\n`);
    }
    process.stdout.write("\n");
  }
};
