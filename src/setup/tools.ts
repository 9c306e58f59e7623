import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { toolsDirectory } from "../flux-tree/tools";
import type { Variables } from "../terraform";
import type { SetupContext } from "./context";

/** The oldest versions that work. ./setup.sh has Node's too, since it runs before Node does. */
export const MINIMUM = {
  node: "20.12",
  // Arguments that no state keeps (1.11), and state.backend "spaces" locks with a file in the bucket (1.10).
  terraform: "1.11",
  // An older CLI would install older controllers, which do not know all fields in flux/.
  flux: "2.9",
} as const;

interface Tool {
  readonly name: string;
  readonly required: boolean;
  readonly purpose: string;
  readonly fix: string;
  /** How it says its version, and the oldest that works where that matters. */
  readonly version: {
    readonly minimum?: string;
    readonly args: readonly string[];
    readonly pattern: RegExp;
  };
}

const TOOLS: readonly Tool[] = [
  {
    name: "npm",
    required: true,
    purpose: "installs the packages",
    fix: "it comes with Node (on some systems as a package of its own: npm)",
    version: { args: ["--version"], pattern: /^([0-9.]+)/m },
  },
  {
    name: "terraform",
    required: true,
    purpose: "creates the infrastructure",
    fix: "install it from developer.hashicorp.com/terraform/install, or run: mise install",
    version: { minimum: MINIMUM.terraform, args: ["version"], pattern: /^Terraform v([0-9.]+)/m },
  },
  {
    name: "git",
    required: true,
    purpose: "holds what Flux deploys",
    fix: "install it with your system's package manager",
    version: { args: ["--version"], pattern: /^git version ([0-9.]+)/m },
  },
  {
    name: "flux",
    required: false,
    purpose: "lets deploy install Flux into the clusters itself",
    fix: "install it from fluxcd.io/flux/installation, or run: mise install",
    version: { minimum: MINIMUM.flux, args: ["--version"], pattern: /^flux version ([0-9.]+)/m },
  },
  {
    name: "kubectl",
    required: false,
    purpose: "looks into the clusters",
    fix: "install it from kubernetes.io/docs/tasks/tools, or run: mise install",
    version: { args: ["version", "--client"], pattern: /^Client Version: v([0-9.]+)/m },
  },
  {
    name: "sops",
    required: false,
    purpose: "encrypts the secrets of your applications",
    fix: "install it from getsops.io, or run: mise install, or: npm run tools",
    version: { args: ["--version", "--disable-version-check"], pattern: /^sops ([0-9.]+)/m },
  },
];

/** Programs on the PATH and their versions. Node's own was compared by ./setup.sh. */
export async function checkTools({ report, environment }: SetupContext): Promise<void> {
  report.finding("ok", "node", `node ${process.versions.node}`);
  const found = await Promise.all(TOOLS.map((tool) => look(tool, environment)));
  for (const [index, { problem, version }] of found.entries()) {
    const { name, required, fix } = TOOLS[index] as Tool;
    if (problem === undefined) report.finding("ok", name, version ? `${name} ${version}` : name);
    else report.finding(required ? "missing" : "warning", name, problem, fix);
  }
}

async function look(
  { name, required, purpose, version }: Tool,
  environment: Variables,
): Promise<{ readonly problem?: string; readonly version?: string }> {
  const built = name === "sops" ? builtVersion(name, environment) : undefined;
  if (built !== undefined) return { version: built };
  const program = onPath(name, environment);
  const need = `${required ? "required" : "optional"}, it ${purpose}`;
  if (program === undefined)
    return {
      problem: `${name} is not installed${version.minimum ? ` (${version.minimum} or later)` : ""}; ${need}`,
    };
  const have = version.pattern.exec(await run(program, version.args, environment))?.[1]?.replace(/\.$/, "");
  if (have === undefined)
    return { problem: `${name} prints no version: it is broken, or another program of that name` };
  return version.minimum === undefined || versionAtLeast(have, version.minimum)
    ? { version: have }
    : { problem: `${name} ${have} is too old, ${version.minimum} or later is needed; it ${purpose}` };
}

/** The version of a tool that `npm run tools` has built, which is on no PATH then. */
function builtVersion(name: string, environment: Variables): string | undefined {
  const folder = toolsDirectory(environment as NodeJS.ProcessEnv);
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .find((entry) => entry.startsWith(`${name}-`) && isProgram(join(folder, entry, name)))
    ?.slice(name.length + 1);
}

/** The program of a name on the PATH. */
export function onPath(name: string, { PATH = "" }: Variables): string | undefined {
  return PATH.split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** What a program prints; empty when it fails. */
function run(program: string, args: readonly string[], environment: Variables): Promise<string> {
  return new Promise((resolve) => {
    const env = { ...environment, CHECKPOINT_DISABLE: "1" };
    execFile(program, args, { env, encoding: "utf8", timeout: 30_000 }, (error, stdout) =>
      resolve(error ? "" : stdout),
    ).stdin?.end();
  });
}

/** Compares number by number: 1.10 is later than 1.9. */
export function versionAtLeast(have: string, want: string): boolean {
  const [own, wanted] = [have, want].map((version) => version.split(".").map(Number)) as [number[], number[]];
  for (const [index, number] of wanted.entries()) {
    const difference = (own[index] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
