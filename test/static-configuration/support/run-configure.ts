import { spawn, spawnSync } from "node:child_process";
import { chmodSync, constants, copyFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { renderReplacements, type TokenReplacement } from "../../../src/static-configuration";
import { folderOfTools, nativeTools, type Toolset } from "./toolsets";

const ROOT = resolve(__dirname, "../../..");
const MAIN = join(ROOT, "src", "static-configuration", "main.ts");
let bundle: string | undefined;

/** The program as it is built for Terraform's local-exec, from the sources as they are now. */
export function program(): string {
  if (bundle !== undefined) return bundle;
  const file = join(folderOfTools(), "configure.js");
  const options = [
    "--bundle",
    "--platform=node",
    "--target=node20",
    `--outfile=${file}`,
    "--log-level=error",
  ];
  const { status, stderr } = spawnSync(join(ROOT, "node_modules", ".bin", "esbuild"), [MAIN, ...options], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  bundle = file;
  return file;
}

let nodeOfOthers: string | undefined;

/** Node where other users can start it: this one's own may lie in root's home. */
function nodeForOthers(): string {
  if (nodeOfOthers !== undefined) return nodeOfOthers;
  const folder = folderOfTools();
  chmodSync(folder, 0o755);
  nodeOfOthers = join(folder, "node");
  copyFileSync(process.execPath, nodeOfOthers, constants.COPYFILE_FICLONE);
  return nodeOfOthers;
}

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly tools?: Toolset;
  readonly path?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Shell text to run before the program, in the same process. */
  readonly before?: string;
  /** In a process group of its own, as a terminal gives it, so that the whole group can be ended. */
  readonly ownGroup?: boolean;
  /** A module to load before the program. */
  readonly preload?: string;
  /** As this user; only root can. */
  readonly user?: number;
  /** A copy of the program, where that user can read it. */
  readonly script?: string;
}

export function table(replacements: Readonly<Record<string, string>>): TokenReplacement[] {
  return Object.entries(replacements).map(([placeholder, value]) => ({ placeholder, value }));
}

/** Runs the program as Terraform does: in the project's folder, the table in the environment. */
export function configure(
  directory: string,
  replacements: readonly TokenReplacement[] | string,
  {
    tools = nativeTools(),
    path = tools.path,
    environment = {},
    before = "",
    ownGroup = false,
    preload,
    user,
    script = program(),
  }: RunOptions = {},
): Promise<Outcome> {
  const rendered = typeof replacements === "string" ? replacements : renderReplacements(replacements);
  const [command = "/bin/sh", ...words] = tools.shell;
  const executable = user === undefined ? process.execPath : nodeForOthers();
  const node = [executable, ...(preload === undefined ? [] : ["--require", preload]), script];
  const child = spawn(
    command,
    [...words, "-c", `${before}\nexec ${node.map((word) => `'${word}'`).join(" ")}`],
    {
      cwd: directory,
      env: {
        PATH: path,
        REPLACEMENTS: rendered,
        HOME: join(directory, "home"),
        ...tools.environment,
        ...environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
      detached: ownGroup,
      uid: user,
      gid: user,
    },
  );
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (status) => done({ status, stdout, stderr }));
  });
}

/** {@link configure}, and an error with the program's output when it failed. */
export async function configureWell(...parameters: Parameters<typeof configure>): Promise<string> {
  const { status, stdout, stderr } = await configure(...parameters);
  if (status !== 0 || stderr !== "") throw new Error(`configure: status ${status}\n${stdout}\n${stderr}`);
  return stdout;
}
