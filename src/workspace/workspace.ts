import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { type Sandbox, startSandbox } from "../../sandbox";
import { gitHubProviderAddress } from "../api-client";
import {
  CONFIGURATION_FILE,
  ConfigurationError,
  EXAMPLE_FILE,
  formatProblem,
  isLoopback,
  loadProject,
  type Project,
  type StateBackend,
} from "../config";
import { npmRunIn, REPOSITORY, SANDBOX_DIRECTORY, shownPath } from "../place";
import type { Variables } from "../terraform";
import { MissingPrerequisites, missingCredentials } from "./credentials";
import { readDotenv } from "./dotenv";
import { explainFolders, missingFolders } from "./environment-folders";
import { commandAtWork, lockLeftBehind, lockWorkspace } from "./lock";
import { copyTree } from "./sandbox-tree";
import { requireServedProviders } from "./served-providers";

/** The name of the sandbox that `--sandbox` without a name means. */
export const DEFAULT_SANDBOX = "project";

export interface WorkspaceOptions {
  /** The command that is going to work here, alone. */
  readonly command: string;
  /** The sandbox to work in; absent: the real clouds. */
  readonly sandbox?: string;
  /** The command only looks at what is there: a sandbox that doesn't exist is a typing error. */
  readonly existing?: boolean;
  /**
   * The command changes nothing, so that it takes no lock (it works while another one does) and makes no copy of flux/ for a
   * sandbox. Implies `existing`.
   */
  readonly readOnly?: boolean;
  /** The command reaches the clouds, so that their credentials have to be there. Default: true. */
  readonly online?: boolean;
}

/** A directory in which the project is deployed from (the checkout itself, or a sandbox), and what is needed to work in it. */
export interface Workspace {
  /** Absolute path: holds flux/, secrets/, state/ and cdktf.out/. */
  readonly directory: string;
  readonly configurationFile: string;
  readonly project: Project;
  /** What terraform and the CDKTF app run with. */
  readonly variables: Variables;
  /** cdktf's output directory. */
  readonly outdir: string;
  /** The sandbox's name; undefined on the real clouds. */
  readonly sandbox?: string;
  /** What people know the configuration file as: its path from where they are. */
  readonly configurationName: string;
  /** A command line for this workspace, to be shown: `npm run destroy -- --sandbox demo --environment staging`. */
  npmRun(command: string, ...args: string[]): string;
  /** The command that works here at this moment, for one that is read-only: `npm run deploy (process 123)`. */
  readonly atWork?: string;
  /** For a command that is read-only: one that has ended without giving its lock back. */
  readonly lockLeftBehind?: string;
  /** Lets other commands in, for one that only keeps a sandbox's server running. */
  unlock(): void;
  /** Ends the sandbox's server and lets other commands in. */
  close(): Promise<void>;
}

/**
 * Opens the checkout, or a sandbox with a copy of its flux/, made on first use.
 * @throws ConfigurationError, MissingPrerequisites, or an Error that names what else is missing
 */
export async function openWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  if (options.sandbox !== undefined) return openSandbox(options.sandbox, options);
  if (options.online ?? true) await requireServedProviders(process.env);
  return openReal(options);
}

function openReal({
  online = true,
  readOnly = false,
  existing = readOnly,
  command,
}: WorkspaceOptions): Workspace {
  const configurationFile = join(REPOSITORY, CONFIGURATION_FILE);
  const variables: Record<string, string | undefined> = {
    ...readDotenv(join(REPOSITORY, ".env")),
    ...definedOnly(process.env),
  };
  useSpacesKey(variables);
  if (variables.GITHUB_BASE_URL) variables.GITHUB_BASE_URL = gitHubProviderAddress(variables.GITHUB_BASE_URL);
  const project = online
    ? loadWithCredentials(configurationFile, variables)
    : loadProject(configurationFile, { tree: REPOSITORY });
  if (!existing) requireEnvironmentFolders(project, REPOSITORY);
  const entry = enter(join(REPOSITORY, ".lock"), { command, readOnly });
  return {
    directory: REPOSITORY,
    ...entry,
    configurationFile,
    project,
    variables,
    outdir: join(REPOSITORY, "cdktf.out"),
    ...described(REPOSITORY, configurationFile),
    close: async () => entry.unlock(),
  };
}

/** Keeps other commands out, or, for a command that only looks, says which one is at work. */
function enter(
  lock: string,
  { command, readOnly }: Required<Pick<WorkspaceOptions, "command" | "readOnly">>,
): Pick<Workspace, "unlock" | "atWork" | "lockLeftBehind"> {
  return readOnly
    ? { unlock: () => undefined, atWork: commandAtWork(lock), lockLeftBehind: lockLeftBehind(lock) }
    : { unlock: lockWorkspace(lock, command) };
}

/** Reports what the configuration and the credentials lack together, so that nobody fixes one only to learn of the other. */
function loadWithCredentials(configurationFile: string, variables: Variables): Project {
  let project: Project | undefined;
  let problems: readonly string[] = [];
  try {
    project = loadProject(configurationFile, { tree: REPOSITORY });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    problems = error.problems.map(formatProblem);
  }
  const missing = [...problems, ...missingCredentials(project, variables)];
  if (project === undefined || missing.length > 0) throw new MissingPrerequisites(missing);
  return project;
}

async function openSandbox(
  name: string,
  { readOnly = false, existing = readOnly, command }: WorkspaceOptions,
): Promise<Workspace> {
  const directory = sandboxDirectory(name, existing);
  const configurationFile = usedConfiguration(directory);
  const configurationName = relative(REPOSITORY, configurationFile);
  const configured = loadProject(configurationFile, { name: configurationName });
  if (!existsSync(directory)) process.stderr.write(`${explainConfiguration(name, configurationFile)}\n`);
  mkdirSync(directory, { recursive: true });
  const entry = enter(`${directory}.lock`, { command, readOnly });
  if (!readOnly)
    copyTree(
      REPOSITORY,
      directory,
      configured.environments.map(({ name }) => name),
    );
  const project = loadProject(configurationFile, { name: configurationName, tree: directory });
  if (!existing) requireEnvironmentFolders(project, directory);
  const sandbox: Sandbox = await startSandbox({ directory: join(directory, "clouds") });
  const state = sandboxState(project, configurationFile, directory);
  return {
    directory,
    ...entry,
    configurationFile,
    project: { ...project, state },
    variables: {
      ...withoutCredentials(process.env),
      ...sandbox.env,
      ...appVariables(directory, configurationFile),
      ...(state.backend === "local" ? { HYBRID_GITOPS_STATE: "local" } : sandboxBucketKey(directory)),
    },
    outdir: join(directory, "cdktf.out"),
    sandbox: name,
    ...described(directory, configurationFile),
    close: async () => {
      await sandbox.close();
      entry.unlock();
    },
  };
}

/**
 * The directory of a sandbox.
 * @param existing a sandbox that isn't there is a typing error
 * @throws Error for a name that can't be one, or that names the sandboxes that there are
 */
export function sandboxDirectory(name: string, existing: boolean): string {
  if (!SANDBOX_NAME.test(name)) {
    throw new Error(
      `--sandbox ${JSON.stringify(name)}: the name of a sandbox has lower-case letters, digits and dashes only`,
    );
  }
  const directory = join(SANDBOX_DIRECTORY, name);
  if (existing && !existsSync(directory)) {
    const others = sandboxDirectories()
      .map((other) => basename(other))
      .filter((other) => !OF_A_TEST.test(other));
    throw new Error(
      `--sandbox ${name}: there is no such sandbox${others.length > 0 ? `, only ${others.join(", ")}` : " yet"}; ${npmRunIn(directory, "deploy")} makes it`,
    );
  }
  return directory;
}

/** The directories of all sandboxes of this checkout. */
export function sandboxDirectories(): string[] {
  if (!existsSync(SANDBOX_DIRECTORY)) return [];
  return readdirSync(SANDBOX_DIRECTORY)
    .filter((name) => SANDBOX_NAME.test(name))
    .map((name) => join(SANDBOX_DIRECTORY, name));
}

/** Which configuration a sandbox takes, and how it gets one of its own: said when it is made, on stderr, where scripts read nothing. */
function explainConfiguration(sandbox: string, file: string): string {
  const name = relative(REPOSITORY, file);
  const why = basename(file) === EXAMPLE_FILE ? `, since there is no ${CONFIGURATION_FILE}` : "";
  const own = shownPath(join(SANDBOX_DIRECTORY, sandbox), CONFIGURATION_FILE);
  return `Sandbox ${sandbox} uses ${name}${why}; ${own} would be its own.`;
}

/** The configuration that a workspace uses: a sandbox's own (the demo has one), else the project's, else the example. */
export function usedConfiguration(directory: string): string {
  const candidates = [join(directory, CONFIGURATION_FILE), join(REPOSITORY, CONFIGURATION_FILE)];
  return candidates.find((file) => existsSync(file)) ?? join(REPOSITORY, EXAMPLE_FILE);
}

/**
 * A sandbox keeps its states in its folder, so that it can't reach a bucket of the real cloud. Only its own configuration may name one,
 * at an S3 store on this machine.
 */
function sandboxState({ state }: Project, configurationFile: string, directory: string): StateBackend {
  const isOwn = configurationFile === join(directory, CONFIGURATION_FILE);
  return state.backend === "spaces" && isOwn && isLoopback(state.endpoint) ? state : { backend: "local" };
}

/** The key of a sandbox's bucket, from the sandbox's own .env or the environment. It is sent to this machine only. */
function sandboxBucketKey(directory: string): Record<string, string | undefined> {
  const own = readDotenv(join(directory, ".env"));
  const variables: Record<string, string | undefined> = {};
  for (const name of BUCKET_KEY) variables[name] = process.env[name] || own[name];
  useSpacesKey(variables);
  return variables;
}

const BUCKET_KEY = [
  "SPACES_ACCESS_KEY_ID",
  "SPACES_SECRET_ACCESS_KEY",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
] as const;

/**
 * Terraform's S3 backend knows the key of the bucket by AWS's names only. Where both are set, AWS's may be those of an account at AWS:
 * the key that is named after Spaces wins, and nothing of the other one stays.
 */
function useSpacesKey(variables: Record<string, string | undefined>): void {
  const { SPACES_ACCESS_KEY_ID: id, SPACES_SECRET_ACCESS_KEY: secret } = variables;
  if (!id || !secret) return;
  variables.AWS_ACCESS_KEY_ID = id;
  variables.AWS_SECRET_ACCESS_KEY = secret;
  for (const name of ["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
    delete variables[name];
}

/** How a workspace is called in messages. */
function described(
  directory: string,
  configurationFile: string,
): Pick<Workspace, "configurationName" | "npmRun"> {
  return {
    configurationName: relative(REPOSITORY, configurationFile),
    npmRun: (command, ...args) => npmRunIn(directory, command, ...args),
  };
}

const SANDBOX_NAME = /^[a-z0-9][a-z0-9-]{0,30}$/;
/** Sandboxes that `npm test` makes and removes again; nobody else needs to know them. */
const OF_A_TEST = /^test-\d+-\d+$/;

/** What the CDKTF app (main.ts) and the plain cdktf CLI need to know of a workspace that isn't the working directory. */
function appVariables(directory: string, configurationFile: string): Record<string, string> {
  return {
    HYBRID_GITOPS_DIRECTORY: directory,
    HYBRID_GITOPS_CONFIG: configurationFile,
    CDKTF_OUTPUT: relative(process.cwd(), join(directory, "cdktf.out")),
  };
}

function requireEnvironmentFolders(project: Project, directory: string): void {
  const missing = missingFolders(directory, project);
  if (missing.length > 0) throw new Error(explainFolders(directory, missing));
}

const CREDENTIALS = /^(?:DIGITALOCEAN_|GITHUB_|GH_|SPACES_|AWS_|KUBE|TF_VAR_|TF_REATTACH_PROVIDERS$)/;

/** A sandbox never sees a real credential, so that it can't reach a real cloud. */
function withoutCredentials(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(definedOnly(env)).filter(([name]) => !CREDENTIALS.test(name)));
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== "",
    ),
  );
}
