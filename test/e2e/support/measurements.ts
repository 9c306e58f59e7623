import { appendFileSync } from "node:fs";
import path from "node:path";
import { runDirectory } from "./run-directory";

/** One line of the table at the end of a run, which docs/proof.md shows. */
export interface Measurement {
  readonly part: string;
  readonly what: string;
  readonly seconds: number;
}

/** Notes a time for the table at the end of the run (run-report.js prints it). Nothing is asserted of it. */
export function measure(part: string, what: string, seconds: number): void {
  const line: Measurement = { part, what, seconds };
  appendFileSync(path.join(runDirectory("."), "measurements.jsonl"), `${JSON.stringify(line)}\n`);
}

/** Seconds since a time of `performance.now()`. */
export function secondsSince(begin: number): number {
  return (performance.now() - begin) / 1000;
}
