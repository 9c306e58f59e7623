import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import versions from "../../scripts/tools/versions.json";

/** What `npm run tools` installs, and the modules that it builds schemas from. */
export const VERSIONS = versions;

/** Programs that `npm run tools` builds where they are missing. */
export type BuiltTool = keyof typeof versions.tools;

/** Programs of others that the Flux tree is built and checked with. */
export type Tool = "kubectl" | BuiltTool;

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
  return path.join(
    variables.XDG_CACHE_HOME || path.join(variables.HOME || homedir(), ".cache"),
    "hybrid-gitops",
    "tools",
  );
}

/** Where `npm run tools` puts a tool: versions lie side by side, since checkouts of different age share the folder. */
export function builtTool(tool: BuiltTool): string {
  return path.join(toolsDirectory(), `${tool}-${versions.tools[tool].version}`, tool);
}

/** The program to run for a tool: the one of `npm run tools`, which has the tested version, else the one on PATH. */
export function toolPath(tool: Tool): string {
  if (tool === "kubectl") return tool;
  const built = builtTool(tool);
  return existsSync(built) ? built : tool;
}

/** How a tool is run. */
export interface ToolOptions {
  /** What the tool reads on its standard input; none: nothing. */
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Exit codes that are no failure; default: 0. */
  readonly accepted?: readonly number[];
}

/**
 * What a tool prints.
 * @throws MissingTool, or Error with the tool's own message when it fails
 */
export function runTool(
  tool: Tool,
  parameters: readonly string[],
  { input = "", environment, accepted = [0] }: ToolOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      toolPath(tool),
      parameters,
      { encoding: "utf8", maxBuffer: 256 * 1024 * 1024, env: { ...process.env, ...environment } },
      (error, stdout, stderr) => {
        if (error?.code === "ENOENT") reject(new MissingTool(tool));
        else if (error && !accepted.includes(Number(error.code ?? Number.NaN)))
          reject(new Error(stderr.trim() || error.message));
        else resolve(stdout);
      },
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
