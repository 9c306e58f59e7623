import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, lstatSync, realpathSync, statSync } from "node:fs";
import { rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type BuiltTool, builtTool, VERSIONS } from "../../src/flux-tree/tools";
import { builtVersion, installCommand } from "./go";
import { place } from "./place";
import { step } from "./progress";

/** How each tool is asked for its version, without asking the network for newer ones. */
const VERSION_PARAMETERS: Readonly<Record<BuiltTool, readonly string[]>> = {
  helm: ["version", "--template", "{{.Version}}"],
  kubeconform: ["-v"],
  sops: ["--version", "--disable-version-check"],
  age: ["--version"],
  "age-keygen": ["--version"],
};

/**
 * Puts a tool in its tested version into the cache folder: a link to the one on PATH where that has this version, else
 * built from its Go module.
 * @throws MissingGo, or Error with the reason why it does not build
 */
export async function installTool(tool: BuiltTool): Promise<void> {
  const { module, package: command, version, ...more } = VERSIONS.tools[tool];
  const target = builtTool(tool);
  if (await isInstalled(tool)) {
    console.log(`${tool} ${version}: already there`);
    return;
  }
  await rm(path.dirname(target), { recursive: true, force: true });
  const found = await withoutShim(onPath(tool), tool);
  if (found !== undefined && (await versionOf(tool, found)) === version) {
    await place(path.dirname(target), (folder) => symlink(found, path.join(folder, tool)));
    console.log(`${tool} ${version}: linked to ${found}`);
    return;
  }
  // Released programs get their version from the linker.
  const variable = "versionVariable" in more ? ` -X ${more.versionVariable}=v${version}` : "";
  await step(`${tool} ${version}: building`, () =>
    place(path.dirname(target), async (folder) => {
      await installCommand({ module, version }, { command, folder, linkerFlags: `-s -w${variable}` });
      const built = path.join(folder, tool);
      const answered = await versionOf(tool, built);
      if (answered !== version)
        throw new Error(
          `what was built says that it is version ${answered ?? "(none)"} instead of ${version}`,
        );
    }),
  );
}

/** What was built stays what it is; what a link leads to may have been updated or removed since. */
async function isInstalled(tool: BuiltTool): Promise<boolean> {
  const target = builtTool(tool);
  if (!existsSync(target)) return false;
  return (
    !lstatSync(target).isSymbolicLink() || (await versionOf(tool, target)) === VERSIONS.tools[tool].version
  );
}

/** The file that a command on PATH is, as a shell would find it. */
export function onPath(command: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, command))
    .find(isExecutable);
}

/** mise puts itself on PATH under the names of tools, and then goes by the folder that it is called in. */
async function withoutShim(file: string | undefined, tool: BuiltTool): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const program = realpathSync(file);
  if (path.basename(program) !== "mise") return file;
  return (await output(program, ["which", tool], process.cwd())).trim() || undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** What a program says of itself; one that was built without its version may have Go's note of it. */
async function versionOf(tool: BuiltTool, file: string): Promise<string | undefined> {
  // Not in the checkout, so that a tool which is another one elsewhere is found out.
  const text = await output(file, VERSION_PARAMETERS[tool], tmpdir());
  return /\bv?(\d+\.\d+\.\d+)\b/.exec(text)?.[1] ?? builtVersion(file);
}

/** What a program prints; nothing when it can't be run. */
function output(file: string, parameters: readonly string[], folder: string): Promise<string> {
  const options = { cwd: folder, encoding: "utf8", timeout: 20_000 } as const;
  return new Promise((resolve) => {
    execFile(file, [...parameters], options, (_, stdout) => resolve(stdout));
  });
}
