import { spawnSync } from "node:child_process";
import path from "node:path";
import { REPOSITORY } from "./tree";

const available = spawnSync("kubectl", ["version", "--client"], { encoding: "utf8" }).status === 0;

/** `describe` that needs kubectl. Without it the tests are skipped, and the run says so. */
export function describeWithKubectl(name: string, tests: () => void): void {
  if (!available) {
    process.stderr.write(
      `\nSKIPPED (kubectl is not installed): ${name}. Install kubectl to check the built tree.\n`,
    );
    describe.skip(name, tests);
    return;
  }
  describe(name, tests);
}

/**
 * What `kubectl kustomize` prints for a folder, relative to the repository or absolute.
 * @throws Error with kubectl's message when the folder does not build.
 */
export function build(folder: string): string {
  const result = spawnSync("kubectl", ["kustomize", path.resolve(REPOSITORY, folder)], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status !== 0) throw new Error(`kubectl kustomize ${folder}: ${result.stderr}`);
  return result.stdout;
}
