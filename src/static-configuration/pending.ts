import { lstatSync, type PathLike, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileSum } from "./checksum";
import { backupOf, compareBytes, onDisk, RUN, yamlFiles } from "./paths";
import { type ConfigurationRecord, readIfThere, readRecord, unescapePath } from "./record";
import { effectiveReplacements, type TokenReplacement, tokenFinder } from "./token-replacement";

export { renderReplacements, replaceTokens, type TokenReplacement } from "./token-replacement";

/**
 * The files under flux/ that a run of configure.sh would work on: those in which a placeholder is still to be replaced,
 * those whose value changed since it was written, and those that an interrupted run left behind. Empty after a good run,
 * on every machine. Paths are relative to the project's folder, with `/`, sorted by bytes.
 *
 * @throws Error when the record can't be read or a file can't be opened.
 */
export function pendingFiles(projectDirectory: string, replacements: readonly TokenReplacement[]): string[] {
  const table = effectiveReplacements(replacements);
  const record = readRecord(projectDirectory);
  const read = (path: string) => readFileSync(onDisk(projectDirectory, path));

  const holdsPlaceholder = tokenFinder(table.map(({ placeholder }) => placeholder));
  const holdsClearPlaceholder = tokenFinder(clearPlaceholders(table, record));
  const isPending = (path: string) => {
    const bytes = read(path);
    if (!holdsPlaceholder(bytes)) return false;
    const written = record.files.get(path);
    if (written === undefined) return true;
    const { checksum, size } = fileSum(bytes);
    if (checksum === written.checksum && size === written.size) return false;
    return holdsClearPlaceholder(bytes) || isOriginal(projectDirectory, path, bytes);
  };

  const files = yamlFiles(projectDirectory);
  const pending = new Set(files.filter(isPending));
  for (const path of [
    ...outdatedFiles(projectDirectory, replacements, record),
    ...interrupted(projectDirectory),
  ]) {
    pending.add(path);
  }
  return [...pending].sort(compareBytes);
}

/** Placeholders that no written value resembles: only they are told apart from values in a file that was edited. */
function clearPlaceholders(table: readonly TokenReplacement[], record: ConfigurationRecord): string[] {
  const values = [...table.map(({ value }) => value), ...record.values.values()].filter(
    (value) => value !== "",
  );
  return table
    .map(({ placeholder }) => placeholder)
    .filter(
      (placeholder) => !values.some((value) => value.includes(placeholder) || placeholder.includes(value)),
    );
}

function outdatedFiles(
  projectDirectory: string,
  replacements: readonly TokenReplacement[],
  record: ConfigurationRecord,
): string[] {
  const changed = replacements.filter(
    ({ placeholder, value }) => (record.values.get(placeholder) ?? value) !== value,
  );
  if (changed.length === 0) return [];
  const holdsChanged = tokenFinder(changed.map(({ placeholder }) => placeholder));
  return [...record.files.keys()].filter((path) => {
    const original = bytesIfThere(onDisk(projectDirectory, backupOf(path)));
    return original !== undefined && isFile(onDisk(projectDirectory, path)) && holdsChanged(original);
  });
}

function interrupted(projectDirectory: string): string[] {
  if (readIfThere(join(projectDirectory, RUN, "state"))?.trim() !== "change") return [];
  const lines = (name: string) =>
    (readIfThere(join(projectDirectory, RUN, name)) ?? "").split("\n").slice(0, -1);
  const written = lines("written").map((line) => line.split("\t")[0] ?? "");
  return [...lines("new.list"), ...written]
    .map(unescapePath)
    .filter((path) => isFile(onDisk(projectDirectory, path)));
}

function isOriginal(projectDirectory: string, path: string, bytes: Buffer): boolean {
  return bytesIfThere(onDisk(projectDirectory, backupOf(path)))?.equals(bytes) ?? false;
}

function isFile(path: PathLike): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function bytesIfThere(path: PathLike): Buffer | undefined {
  return isFile(path) ? readFileSync(path) : undefined;
}
