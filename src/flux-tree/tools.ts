import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

/** Programs of others that the Flux tree is built and checked with. mise.toml and scripts/tools have their versions. */
export type Tool = "kubectl" | "helm" | "kubeconform" | "sops" | "age-keygen";

/** Thrown when a program is not on this machine. */
export class MissingTool extends Error {
  constructor(readonly tool: Tool) {
    super(
      `${tool} is not installed: "mise install" installs the versions that this repository is tested with${
        tool === "kubectl" ? "" : ', and "npm run tools" builds them where Go is installed'
      }`,
    );
    this.name = "MissingTool";
  }
}

/** Where `npm run tools` puts what it builds: shared by all checkouts of a user. */
export function toolsDirectory(variables: NodeJS.ProcessEnv = process.env): string {
  return path.join(variables.XDG_CACHE_HOME || path.join(homedir(), ".cache"), "hybrid-gitops", "tools");
}

/** The program to run for a tool: one that `npm run tools` has built, else the one on PATH. */
export function toolPath(tool: Tool): string {
  const built = path.join(toolsDirectory(), "bin", tool);
  return existsSync(built) ? built : tool;
}

/**
 * What a tool prints.
 * @throws MissingTool, or Error with the tool's own message when it fails
 */
export function runTool(
  tool: Tool,
  parameters: readonly string[],
  options: { readonly input?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      toolPath(tool),
      parameters,
      { encoding: "utf8", maxBuffer: 256 * 1024 * 1024, env: { ...process.env, ...options.environment } },
      (error, stdout, stderr) => {
        if (error?.code === "ENOENT") reject(new MissingTool(tool));
        else if (error) reject(new Error(stderr.trim() || error.message));
        else resolve(stdout);
      },
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}
