import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";

/**
 * Beside and then into place: nobody reads half a file, and neither a crash nor a full disk leaves one.
 * @param options `mode`: of a file that is its owner's alone (0o600)
 * @throws what the file system says; the file is then as it was
 */
export function writeWhole(file: string, text: string, { mode }: { readonly mode?: number } = {}): void {
  const draft = `${file}.new`;
  // One that an interrupted run left behind may have other rights.
  rmSync(draft, { force: true });
  try {
    const handle = openSync(draft, "wx", mode);
    try {
      writeFileSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
