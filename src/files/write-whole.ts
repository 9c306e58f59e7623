import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/**
 * Writes a file beside its place and then into it: nobody reads half a file, and neither a crash nor a full disk leaves one. Its folder is
 * made when it isn't there, for its owner alone when a `mode` is given.
 * @param options `mode`: of a file that is its owner's alone (0o600). Default: as the file had it, 0o666 less the umask for a new one.
 * @throws what the file system says; the file is then as it was
 */
export function writeWhole(file: string, text: string, { mode }: { readonly mode?: number } = {}): void {
  const draft = `${file}.new`;
  const rights = mode ?? modeOf(file);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: mode === undefined ? undefined : 0o700 });
    // One that an interrupted run left behind may have other rights.
    rmSync(draft, { force: true });
    const handle = openSync(draft, "wx", mode);
    try {
      if (rights !== undefined) fchmodSync(handle, rights);
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

function modeOf(file: string): number | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat && stat.mode & 0o7777;
}
