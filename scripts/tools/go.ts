import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** Thrown when Go is needed and not there. */
export class MissingGo extends Error {
  constructor(what: string) {
    super(
      `${what} needs Go, which is not installed: "mise install" installs it, and the tools themselves, in the versions of mise.toml`,
    );
    this.name = "MissingGo";
  }
}

/** A Go module in a version, as versions.json has it: without the v. */
export interface Module {
  readonly module: string;
  readonly version: string;
}

export const moduleAtVersion = ({ module, version }: Module): string => `${module}@v${version}`;

/**
 * Downloads a module through Go's module proxy and checksum database, or finds it in Go's cache.
 * @returns the folder with its files, read-only
 * @throws MissingGo, or Error with Go's own message
 */
export async function downloadModule(module: Module): Promise<string> {
  const name = moduleAtVersion(module);
  const { code, stdout, stderr } = await go(
    ["mod", "download", "-json", name],
    {},
    `the download of ${name}`,
  );
  const { Dir: folder, Error: message } = stdout.trim().startsWith("{") ? JSON.parse(stdout) : {};
  if (typeof message === "string") throw new Error(`${name} can't be downloaded: ${message}`);
  if (code !== 0 || typeof folder !== "string" || !existsSync(folder)) {
    throw new Error(`${name} can't be downloaded: ${stderr.trim() || `go ended with ${code}`}`);
  }
  return folder;
}

/**
 * Builds a command of a module into a folder.
 * @throws MissingGo, or Error with the compiler's own message
 */
export async function installCommand(
  module: Module,
  { command, folder, linkerFlags }: { command: string; folder: string; linkerFlags: string },
): Promise<void> {
  const name = `${module.module}/${command}@v${module.version}`;
  const { code, stderr } = await go(
    ["install", `-ldflags=${linkerFlags}`, name],
    // Without a C compiler's part the result runs on any machine of this kind.
    { GOBIN: folder, CGO_ENABLED: "0" },
    `building ${name}`,
  );
  if (code !== 0) throw new Error(`${name} does not build: ${lastLines(stderr) || `go ended with ${code}`}`);
}

/** The module version that a Go program was built from; undefined when it is none or Go is not there. */
export async function builtVersion(file: string): Promise<string | undefined> {
  try {
    const { code, stdout } = await go(["version", "-m", file], {}, file);
    return code === 0 ? /^\tmod\t\S+\tv(\S+)/m.exec(stdout)?.[1] : undefined;
  } catch {
    return undefined;
  }
}

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function go(
  parameters: readonly string[],
  variables: Readonly<Record<string, string>>,
  what: string,
): Promise<Result> {
  // Outside every Go module and workspace, so that none of the user's own has a say.
  const folder = await mkdtemp(path.join(tmpdir(), "hybrid-gitops-go-"));
  try {
    return await new Promise<Result>((resolve, reject) => {
      const child = spawn("go", parameters, {
        cwd: folder,
        stdio: ["ignore", "pipe", "pipe"],
        // Some of the modules want a Go that is newer than the installed one; `auto` fetches it.
        env: { ...process.env, GOWORK: "off", GOTOOLCHAIN: "auto", ...variables },
      });
      const texts = { stdout: "", stderr: "" };
      child.stdout.setEncoding("utf8").on("data", (part: string) => {
        texts.stdout += part;
      });
      child.stderr.setEncoding("utf8").on("data", (part: string) => {
        texts.stderr += part;
      });
      child.once("error", (error: NodeJS.ErrnoException) =>
        reject(error.code === "ENOENT" ? new MissingGo(what) : error),
      );
      child.once("close", (code) => resolve({ code, ...texts }));
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The end of what Go said: before it come lines about downloads. */
function lastLines(text: string): string {
  return text
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("go: downloading"))
    .slice(-12)
    .join("\n");
}
