import { mkdirSync } from "node:fs";
import path from "node:path";

/**
 * The folder of a test file within that of the whole run, which run-report.js makes, prints, and keeps when a test fails.
 * @throws Error outside of `npm run test:e2e`
 */
export function runDirectory(name: string): string {
  const run = process.env.E2E_DIRECTORY;
  if (!run) throw new Error("E2E_DIRECTORY is not set: these tests run by npm run test:e2e");
  const directory = path.join(run, name);
  mkdirSync(directory, { recursive: true });
  return directory;
}
