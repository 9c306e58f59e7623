import { cpSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { writeWhole } from "../files/write-whole";
import { unlistAbsent } from "../secrets/secret-files";

/** An encrypted file, from the checkout's directory. */
const ENCRYPTED = /[/\\]secrets[/\\](?!kustomization\.yaml$)[^/\\]+\.yaml$/;

/** In a sandbox's directory: every file and folder of the checkout's flux/ that was copied, a line each. */
const RECORD = "copied.txt";

/**
 * A sandbox's copy of the checkout's flux/: made on first use, and completed with files that came to the checkout since. What
 * the sandbox has already stays, configured and perhaps edited; what was removed there stays removed. Encrypted secrets are left
 * out: they are the real clouds', and a sandbox has keys of its own.
 */
export function copyTree(repository: string, sandbox: string, environments: readonly string[]): void {
  copyFiles(join(repository, "flux"), join(sandbox, "flux"), join(sandbox, RECORD));
  for (const environment of environments) unlistAbsent(sandbox, environment);
}

function copyFiles(source: string, target: string, record: string): void {
  const isCopied = existsSync(target);
  const known = new Set(isCopied && existsSync(record) ? readFileSync(record, "utf8").split("\n") : []);
  const all = new Set(known);
  const filter = (file: string): boolean => {
    const path = relative(source, file);
    if (ENCRYPTED.test(file.slice(source.length))) return false;
    all.add(path);
    // Nothing comes into a folder that was removed either, whatever is new in it.
    return !known.has(path) || existsSync(join(target, path));
  };
  if (isCopied) cpSync(source, target, { recursive: true, force: false, filter });
  else {
    // Beside and then into place: an interrupted copy is no working copy.
    rmSync(`${target}.new`, { recursive: true, force: true });
    cpSync(source, `${target}.new`, { recursive: true, filter });
    renameSync(`${target}.new`, target);
  }
  if (all.size > known.size || !isCopied) writeWhole(record, [...all].join("\n"));
}
