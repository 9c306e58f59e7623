import { spawnSync } from "node:child_process";
import path from "node:path";
import { describeWithTools } from "./schema-tools";
import { REPOSITORY } from "./tree";

/** `describe` that needs kubectl. */
export function describeWithKubectl(name: string, tests: () => void): void {
  describeWithTools(name, { tools: ["kubectl"] }, tests);
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
