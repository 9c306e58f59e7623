const { existsSync, mkdtempSync, readFileSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");

/** A jest reporter: prints how many faults were injected at how many points, and whether anything was lost. */
module.exports = class FaultReport {
  onRunStart() {
    this.directory = mkdtempSync(path.join(tmpdir(), "hybrid-gitops-faults-"));
    process.env.FAULTS_FILE = path.join(this.directory, "injected.jsonl");
  }

  onRunComplete(_contexts, { numFailedTests, numFailedTestSuites, wasInterrupted }) {
    const noted = readNoted(process.env.FAULTS_FILE);
    rmSync(this.directory, { recursive: true, force: true });
    const rows = new Map();
    for (const { area, fault, point } of noted) {
      const row = rows.get(`${area}\n${fault}`) ?? { area, fault, times: 0, points: new Set() };
      row.times += 1;
      row.points.add(point);
      rows.set(`${area}\n${fault}`, row);
    }
    const widths = ["area", "fault"].map((key) =>
      Math.max(0, ...[...rows.values()].map((row) => row[key].length)),
    );
    for (const { area, fault, times, points } of rows.values())
      process.stdout.write(
        `${area.padEnd(widths[0])}  ${fault.padEnd(widths[1])}  ${String(times).padStart(5)} times at ${points.size} points\n`,
      );
    const points = new Set(noted.map(({ area, point }) => `${area}\n${point}`)).size;
    const lost = numFailedTests + numFailedTestSuites;
    const verdict = wasInterrupted
      ? "The run was interrupted."
      : lost === 0
        ? "Nothing was lost."
        : `Not all is well: ${numFailedTests} tests failed, see above.`;
    process.stdout.write(`\n${noted.length} faults injected at ${points} points. ${verdict}\n`);
  }
};

function readNoted(file) {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
