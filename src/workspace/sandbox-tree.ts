import { cpSync, existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { unlistAbsent } from "../secrets/secret-files";

/** An encrypted file, from the checkout's directory. */
const ENCRYPTED = /[/\\]secrets[/\\](?!kustomization\.yaml$)[^/\\]+\.yaml$/;

/**
 * A sandbox's copy of the checkout's flux/: made on first use, and completed with files that came to the checkout since. What
 * the sandbox has already stays, configured and perhaps edited. Encrypted secrets are left out: they are the real clouds', and a
 * sandbox has keys of its own.
 */
export function copyTree(repository: string, sandbox: string, environments: readonly string[]): void {
  copyFiles(join(repository, "flux"), join(sandbox, "flux"));
  for (const environment of environments) unlistAbsent(sandbox, environment);
}

function copyFiles(source: string, target: string): void {
  const filter = (file: string): boolean => !ENCRYPTED.test(file.slice(source.length));
  if (existsSync(target)) {
    cpSync(source, target, { recursive: true, force: false, filter });
    return;
  }
  // Beside and then into place: an interrupted copy is no working copy.
  rmSync(`${target}.new`, { recursive: true, force: true });
  cpSync(source, `${target}.new`, { recursive: true, filter });
  renameSync(`${target}.new`, target);
}
