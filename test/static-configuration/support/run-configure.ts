import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { renderReplacements, type TokenReplacement } from "../../../src/static-configuration";
import { nativeTools, type Toolset } from "./toolsets";

export const CONFIGURE = resolve(__dirname, "../../../src/static-configuration/configure.sh");

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly tools?: Toolset;
  readonly path?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Shell text to run before the script, in the same process. */
  readonly before?: string;
  /** In a process group of its own, as a terminal gives it, so that a tool can end the whole group (`kill -9 0`). */
  readonly ownGroup?: boolean;
  /** As this user; only root can. */
  readonly user?: number;
  /** A copy of configure.sh, where that user can read it. */
  readonly script?: string;
}

export function table(replacements: Readonly<Record<string, string>>): TokenReplacement[] {
  return Object.entries(replacements).map(([placeholder, value]) => ({ placeholder, value }));
}

/** Runs configure.sh as Terraform does: in the project's folder, the table in the environment. */
export function configure(
  directory: string,
  replacements: readonly TokenReplacement[] | string,
  {
    tools = nativeTools(),
    path = tools.path,
    environment = {},
    before = "",
    ownGroup = false,
    user,
    script = CONFIGURE,
  }: RunOptions = {},
): Promise<Outcome> {
  const rendered = typeof replacements === "string" ? replacements : renderReplacements(replacements);
  const [command = "/bin/sh", ...words] = tools.shell;
  const child = spawn(
    command,
    [...words, "-c", `${before}\nMAIN=$$; export MAIN; exec ${tools.shell.join(" ")} '${script}'`],
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

/** {@link configure}, and an error with the script's output when it failed. */
export async function configureWell(...parameters: Parameters<typeof configure>): Promise<string> {
  const { status, stdout, stderr } = await configure(...parameters);
  if (status !== 0 || stderr !== "") throw new Error(`configure.sh: status ${status}\n${stdout}\n${stderr}`);
  return stdout;
}
