import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
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

/**
 * Builds a command of a module that replaces some of its dependencies, which `go install` refuses: in a module of our own
 * that requires it and repeats its replacements.
 * @param command folder in the module; empty for its root
 * @throws MissingGo, or Error with the compiler's own message
 */
export async function buildWithReplacements(
  module: Module,
  { command, file, linkerFlags }: { command: string; file: string; linkerFlags: string },
): Promise<void> {
  const name = moduleAtVersion(module);
  const what = `building ${name}`;
  const theirs = path.join(await downloadModule(module), "go.mod");
  const folder = await mkdtemp(path.join(tmpdir(), "hybrid-gitops-go-"));
  try {
    const read = await go(["mod", "edit", "-json", theirs], {}, what);
    const { Go: language, Replace: replacements = [] } = JSON.parse(read.stdout) as GoModule;
    const lines = replacements.flatMap(({ Old, New }) => {
      const version = New.Version ?? publishedVersion(New.Path, module);
      return version === undefined
        ? []
        : [`replace ${Old.Path} => ${New.Version ? New.Path : Old.Path} ${version}`];
    });
    const content = [
      "module build",
      `go ${language}`,
      `require ${module.module} v${module.version}`,
      ...lines,
    ];
    await writeFile(path.join(folder, "go.mod"), `${content.join("\n")}\n`);
    const parameters = [
      "build",
      "-mod=mod",
      `-ldflags=${linkerFlags}`,
      "-o",
      file,
      path.posix.join(module.module, command),
    ];
    const { code, stderr } = await go(parameters, { CGO_ENABLED: "0" }, what, folder);
    if (code !== 0)
      throw new Error(`${name} does not build: ${lastLines(stderr) || `go ended with ${code}`}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface GoModule {
  readonly Go: string;
  readonly Replace?: ReadonlyArray<{
    readonly Old: { readonly Path: string };
    readonly New: { readonly Path: string; readonly Version?: string };
  }>;
}

/**
 * A replacement by a folder of the same repository is published as a module too: those of Kubernetes as 0.x for every 1.x
 * (its release process); others under the version that the module requires anyway, so that no line is needed.
 */
function publishedVersion(folder: string, { version }: Module): string | undefined {
  return folder.startsWith("./staging/src/k8s.io/") ? `v0.${version.replace(/^1\./, "")}` : undefined;
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
  directory?: string,
): Promise<Result> {
  // Outside every Go module and workspace, so that none of the user's own has a say.
  const folder = directory ?? (await mkdtemp(path.join(tmpdir(), "hybrid-gitops-go-")));
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
    if (directory === undefined) await rm(folder, { recursive: true, force: true });
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
