import { sep } from "node:path";
import { SANDBOX_DIRECTORY, SANDBOX_FOLDER } from "./repository";

/**
 * The sandbox of this checkout that a directory is or lies in; undefined for the checkout and any other directory. It is seen from
 * the path alone, so that whoever has a directory can name files and commands rightly: advice that leaves the sandbox out would be
 * followed in the checkout, where the real keys are.
 * @param directory an absolute path
 */
export function sandboxAt(directory: string): string | undefined {
  const start = SANDBOX_DIRECTORY + sep;
  // The checkout itself may lie below a folder of that name.
  if (!directory.startsWith(start)) return undefined;
  return /^[a-z0-9-]+(?=[/\\]|$)/.exec(directory.slice(start.length))?.[0];
}

/**
 * What people know a file or folder of a workspace as: its path from the checkout, where npm runs commands.
 * @param path from the workspace's directory, with slashes: `.secrets/staging/age.agekey`
 * @returns `.sandbox/mine/.secrets/staging/age.agekey` in a sandbox
 */
export function shownPath(directory: string, path: string): string {
  const sandbox = sandboxAt(directory);
  return sandbox === undefined ? path : `${SANDBOX_FOLDER}/${sandbox}/${path}`;
}

/**
 * A command for a workspace as people type it: `npm run destroy -- --sandbox demo --environment staging`.
 * @param args its subcommand, if it has any, then its options
 */
export function npmRunIn(directory: string, command: string, ...args: readonly string[]): string {
  const sandbox = sandboxAt(directory);
  // A subcommand (`secrets -- create`) stands before the options.
  const first = args.findIndex((word) => word.startsWith("-"));
  const verbs = first < 0 ? args.length : first;
  const selected = sandbox === undefined ? [] : ["--sandbox", sandbox];
  const words = [...args.slice(0, verbs), ...selected, ...args.slice(verbs)];
  return [`npm run ${command}`, ...(words.length > 0 ? ["--", ...words] : [])].join(" ");
}

/** A command of another program, which takes paths from the workspace's directory, as it works when it is pasted in the checkout. */
export function shellIn(directory: string, command: string): string {
  const sandbox = sandboxAt(directory);
  return sandbox === undefined ? command : `(cd ${SANDBOX_FOLDER}/${sandbox} && ${command})`;
}

/**
 * How a file of the secrets that can't be used any more comes back, as part of a sentence: from Git, which a sandbox's files are not in.
 * @param path from the workspace's directory
 */
export function bringBack(directory: string, path: string): string {
  return sandboxAt(directory) === undefined
    ? `restore it with \`git checkout -- ${path}\``
    : `Git has no copy of a sandbox's files: delete ${shownPath(directory, path)} if it is there, and ${npmRunIn(directory, "secrets", "create")} recreates it`;
}
