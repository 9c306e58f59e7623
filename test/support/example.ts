import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXAMPLE_FILE, type Project, parseProject } from "../../src/config";

export const REPOSITORY = join(__dirname, "..", "..");
export const EXAMPLE_TEXT = readFileSync(join(REPOSITORY, EXAMPLE_FILE), "utf8");

/** The example configuration, with one change if wanted. */
export function exampleProject(change: (document: Record<string, any>) => void = () => undefined): Project {
  const document = JSON.parse(EXAMPLE_TEXT);
  change(document);
  return parseProject(JSON.stringify(document));
}
