import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Project } from "../config";
import { shownPath } from "../place";

/**
 * The folders that Flux would read for a project's environments and that are missing: flux/clusters/<environment>, and the paths named
 * in it. Without them a cluster gets nothing.
 * @returns paths from the directory, with slashes
 */
export function missingFolders(directory: string, { environments }: Pick<Project, "environments">): string[] {
  return environments.flatMap(({ name }) => missingFoldersOf(directory, name));
}

function missingFoldersOf(directory: string, environment: string): string[] {
  const cluster = `flux/clusters/${environment}`;
  if (!isFolder(join(directory, cluster))) return [cluster];
  const files = readdirSync(join(directory, cluster)).filter((file) => file.endsWith(".yaml"));
  const paths = files.flatMap((file) => {
    const text = readFileSync(join(directory, cluster, file), "utf8");
    return [...text.matchAll(/^ {2}path: ["']?(?:\.\/)?(flux\/[^"'\s#]+)/gm)].map(
      ([, path]) => path as string,
    );
  });
  return [...new Set(paths)].filter((path) => !existsSync(join(directory, path)));
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Which folders are missing, what follows from it, and how to make them: the message of every command. */
export function explainFolders(directory: string, missing: readonly string[]): string {
  const names = missing.map((folder) => shownPath(directory, folder)).join(", ");
  const which = missing.length === 1 ? "the folder is missing" : "these folders are missing";
  return `${names}: ${which}, so Flux would have nothing to deploy. ${foldersFix(directory)}`;
}

/** How the folders of an environment are made. */
export function foldersFix(directory: string): string {
  return `Copy every folder below ${shownPath(directory, "flux")}/ that has the name of another environment; docs/configuration.md#another-environment has the commands. An environment that is deployed can't be renamed: give it its former name again.`;
}
