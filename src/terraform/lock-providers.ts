import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Variables } from "./plan";
import {
  LOCK_FILE,
  LOCK_PATH,
  type LockedProvider,
  PLATFORMS,
  type Provider,
  ProviderLockError,
  parseLock,
  providerName,
  providersFolder,
} from "./provider-lock";
import { withTemporaryFolder } from "./temporary-folder";
import { runTerraform } from "./terraform";

/** What Renovate reads the providers' versions from, beside the lock file that it renews with them. */
export const VERSIONS_FILE = "versions.tf";

export interface LockOptions {
  readonly variables: Variables;
  /** A folder that `terraform providers mirror` made, where the registry can't be reached. */
  readonly mirror?: string;
}

/**
 * Makes the lock file that is committed, with the checksums of every platform.
 * @throws TerraformError when a provider isn't there, ProviderLockError when another program than before has a version that was locked
 */
export async function lockProviders(
  providers: readonly Required<Provider>[],
  { variables, mirror }: LockOptions,
): Promise<LockedProvider[]> {
  const folder = providersFolder(variables);
  const committed = join(folder, LOCK_FILE);
  const versions = versionsText(providers);
  return withTemporaryFolder("providers", async (directory) => {
    writeFileSync(join(directory, VERSIONS_FILE), versions);
    await runTerraform({
      stack: "providers",
      directory,
      arguments: [
        ...["providers", "lock", "-no-color"],
        ...PLATFORMS.map((platform) => `-platform=${platform}`),
        ...(mirror === undefined ? [] : [`-fs-mirror=${mirror}`]),
      ],
      // A sandbox's are attached, and have no checksums.
      env: { ...variables, TF_REATTACH_PROVIDERS: undefined },
    });
    const text = readFileSync(join(directory, LOCK_FILE), "utf8");
    const locked = parseLock(text);
    if (existsSync(committed)) refuseReplaced(parseLock(readFileSync(committed, "utf8")), locked);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, VERSIONS_FILE), versions);
    writeFileSync(committed, text);
    return locked;
  });
}

/** terraform itself would add the checksums of a replaced program to the old ones, without a word. */
function refuseReplaced(before: readonly LockedProvider[], now: readonly LockedProvider[]): void {
  const replaced = now.filter(({ address, version, hashes }) => {
    const old = before.find((one) => one.address === address && one.version === version);
    return old?.hashes.some((hash) => hash.startsWith("h1:") && !hashes.includes(hash));
  });
  if (replaced.length === 0) return;
  throw new ProviderLockError(
    `${replaced.map(providerName).join(", ")}: ${LOCK_PATH} has a checksum of this version that nothing has any more, so another program was put in its place. Nothing was written. Compare with the SHA256SUMS of the provider's release. If the new one is right, delete ${LOCK_PATH} and run this again.`,
  );
}

/** The file beside the lock file, in HCL. */
export function versionsText(providers: readonly Required<Provider>[]): string {
  const blocks = [...providers]
    .sort((a, b) => a.address.localeCompare(b.address))
    .map(({ address, version }) => {
      const [, , name] = address.split("/");
      return `    ${name} = {\n      source  = "${providerName({ address })}"\n      version = "${version}"\n    }\n`;
    });
  return `# The providers that the bindings in package.json are made for. Written by: npm run lock-providers
terraform {
  required_providers {
${blocks.join("")}  }
}
`;
}
