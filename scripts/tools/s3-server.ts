import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { toolsDirectory, VERSIONS } from "../../src/flux-tree/tools";
import { installCommand } from "./go";
import { place } from "./place";
import { step } from "./progress";

/** Where `npm run tools -- s3` puts the S3 server that the tests keep states in. */
export function s3Server(): string {
  return path.join(toolsDirectory(), `versitygw-${VERSIONS.s3.versitygw.version}`, "versitygw");
}

/**
 * Builds the S3 server in its tested version into the cache folder, if it is not there.
 * @throws MissingGo, or Error with the reason why it does not build
 */
export async function installS3Server(): Promise<void> {
  const { module, package: command, version } = VERSIONS.s3.versitygw;
  const target = s3Server();
  if (existsSync(target)) {
    console.log(`versitygw ${version}: already there`);
    return;
  }
  await rm(path.dirname(target), { recursive: true, force: true });
  await step(`versitygw ${version}: building`, () =>
    place(path.dirname(target), (folder) =>
      installCommand({ module, version }, { command, folder, linkerFlags: "-s -w" }),
    ),
  );
}
