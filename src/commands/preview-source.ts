import { existsSync, readFileSync } from "node:fs";
import { cp, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CONFIGURATION_FILE, EXAMPLE_FILE, loadProject, type Project } from "../config";
import { replacementsFor } from "../flux";
import { FLUX_FOLDER, FluxTree } from "../flux-tree";
import { npmRunIn, shownPath } from "../place";
import { configure, pendingFiles } from "../static-configuration";
import { REPOSITORY, sandboxDirectory, usedConfiguration } from "../workspace";

/** What is previewed: a tree with a project's names in it, and the configuration that sizes it. */
export interface PreviewSource {
  readonly project: Project;
  readonly tree: FluxTree;
  readonly configuration: { readonly name: string; readonly text: string };
  /** What people should know about it. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

/** Folder with the charts of this repository, beside flux/. */
const CHARTS = "helm";

/**
 * Opens the checkout, or a sandbox, for reading only: nothing is locked, changed or started. Where deploy has yet to write the
 * project's names into the tree, a copy gets them.
 * @throws ConfigurationError, or Error for a sandbox that isn't there
 */
export async function openPreview(sandbox: string | undefined): Promise<PreviewSource> {
  const directory = sandbox === undefined ? REPOSITORY : sandboxDirectory(sandbox, true);
  // A first deploy there was cut off.
  if (sandbox !== undefined && !existsSync(path.join(directory, FLUX_FOLDER)))
    throw new Error(
      `--sandbox ${sandbox}: ${shownPath(directory, FLUX_FOLDER)} is missing; ${npmRunIn(directory, "deploy")} makes it`,
    );
  const file = usedConfiguration(directory);
  const name = path.relative(REPOSITORY, file);
  const project = loadProject(file, { name, tree: directory });
  const common = {
    project,
    configuration: { name, text: readFileSync(file, "utf8").replace(/^\uFEFF/, "") },
  };
  const notes =
    path.basename(file) === EXAMPLE_FILE
      ? [`There is no ${CONFIGURATION_FILE}: this is the preview of ${EXAMPLE_FILE}.`]
      : [];
  const replacements = replacementsFor(project);
  const pending = pendingFiles(directory, replacements).length;
  if (pending === 0 && directory === REPOSITORY) {
    return { ...common, notes, tree: new FluxTree(directory), close: async () => undefined };
  }
  const copy = await mkdtemp(path.join(await realpath(tmpdir()), "hybrid-gitops-preview-"));
  const close = (): Promise<void> => rm(copy, { recursive: true, force: true });
  try {
    await cp(path.join(directory, FLUX_FOLDER), path.join(copy, FLUX_FOLDER), { recursive: true });
    // A sandbox has a flux/ of its own only.
    if (existsSync(path.join(REPOSITORY, CHARTS)))
      await symlink(path.join(REPOSITORY, CHARTS), path.join(copy, CHARTS));
    if (pending > 0) configure(copy, replacements);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...common,
    notes: [...notes, ...(pending > 0 ? [pendingNote(pending, shownPath(directory, FLUX_FOLDER))] : [])],
    tree: new FluxTree(copy),
    close,
  };
}

function pendingNote(files: number, folder: string): string {
  return `${files} ${files === 1 ? "file" : "files"} under ${folder}/ still ${files === 1 ? "has" : "have"} to get the project's names, which the next deploy writes: the preview has them already.`;
}
