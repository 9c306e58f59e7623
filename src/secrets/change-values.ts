import { copyFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SecretsContext } from "./inventory";
import type { Sops } from "./sops";

/**
 * Gives keys of an encrypted file new values; the others stay as they are, byte for byte. It happens in an encrypted copy that takes the
 * file's place as a whole: sops empties the file it writes, and values can belong together.
 * @param file from the project's directory
 * @throws Error with what sops says; the file is then as it was
 */
export async function changeValues(
  file: string,
  values: Readonly<Record<string, string>>,
  { directory, environment }: Pick<SecretsContext, "directory" | "environment">,
  sops: Sops,
): Promise<void> {
  const draft = `${file}.new`;
  copyFileSync(join(directory, file), join(directory, draft));
  try {
    for (const [key, value] of Object.entries(values))
      await sops.set(draft, environment, ["stringData", key], value);
    renameSync(join(directory, draft), join(directory, file));
  } finally {
    rmSync(join(directory, draft), { force: true });
  }
}
