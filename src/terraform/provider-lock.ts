import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../place";
import type { Variables } from "./plan";
import type { StackDocument } from "./stack-document";

/** How terraform calls the file with the checksums of providers. */
export const LOCK_FILE = ".terraform.lock.hcl";
/** The command that makes the committed one. */
export const LOCK_COMMAND = "npm run lock-providers";
/** Where the committed one is, from the checkout. */
export const LOCK_PATH = `providers/${LOCK_FILE}`;
/** Where people and CI run terraform (WSL counts as Linux). */
export const PLATFORMS = [
  "linux_amd64",
  "linux_arm64",
  "darwin_amd64",
  "darwin_arm64",
  "windows_amd64",
] as const;

const REGISTRY = "registry.terraform.io";

/** A provider with its version, by its whole address: `registry.terraform.io/hashicorp/null`. */
export interface Provider {
  readonly address: string;
  readonly version?: string;
}

/** A provider of a lock file. */
export interface LockedProvider extends Provider {
  readonly version: string;
  readonly hashes: readonly string[];
  /** Its part of the file. */
  readonly text: string;
}

/** Thrown when the committed checksums and what the stacks need, or what was downloaded, don't go together. */
export class ProviderLockError extends Error {
  override readonly name = "ProviderLockError";
}

/** The folder with the committed lock file. A test has one of its own. */
export function providersFolder(variables: Variables): string {
  return variables.HYBRID_GITOPS_PROVIDERS || join(REPOSITORY, "providers");
}

/** The providers of a lock file's text. */
export function parseLock(text: string): LockedProvider[] {
  return [...text.matchAll(/^provider "([^"]+)" \{\n[\s\S]*?^\}\n/gm)].map(([part, address = ""]) => ({
    address,
    version: /^ {2}version\s+= "([^"]+)"/m.exec(part)?.[1] ?? "",
    hashes: [...part.matchAll(/"((?:h1|zh):[^"]+)"/g)].map(([, hash = ""]) => hash),
    text: part,
  }));
}

/** What the `terraform` block of a stack requires, but for providers that are attached and not installed. */
function requiredProviders(terraform: StackDocument["terraform"], attached: readonly string[]): Provider[] {
  return Object.entries(terraform?.required_providers ?? {})
    .map(([name, { source = name, version }]) => ({ address: addressOf(source), version }))
    .filter(({ address }) => !attached.includes(address));
}

/** A source as terraform completes it: `kubernetes` is `registry.terraform.io/hashicorp/kubernetes`. */
function addressOf(source: string): string {
  const parts = source.toLowerCase().split("/");
  return [REGISTRY, "hashicorp"]
    .slice(0, 3 - parts.length)
    .concat(parts)
    .join("/");
}

/** What people call a provider: `hashicorp/null 3.2.4`. */
export function providerName({ address, version }: Provider): string {
  return `${address.replace(`${REGISTRY}/`, "")}${version === undefined ? "" : ` ${version}`}`;
}

/**
 * Lays the committed checksums of the providers that a stack installs into its folder: these and no others, since terraform refuses a
 * lock file with more when it may not change it.
 * @param terraform the stack's `terraform` block
 * @returns the text of the stack's lock file; undefined where it installs nothing, or no lock file is committed
 * @throws ProviderLockError when the committed file has another version of a provider, or none
 */
export function useProviderLock(
  directory: string,
  terraform: StackDocument["terraform"],
  variables: Variables,
): string | undefined {
  const required = requiredProviders(terraform, attachedProviders(variables));
  const committed = join(providersFolder(variables), LOCK_FILE);
  if (required.length === 0 || !existsSync(committed)) return undefined;
  const locked = parseLock(readFileSync(committed, "utf8").replaceAll("\r\n", "\n"));
  const parts = required.map((provider) => {
    const found = locked.find(({ address }) => address === provider.address);
    if (found && (provider.version === undefined || found.version === provider.version)) return found.text;
    throw new ProviderLockError(
      `${LOCK_PATH} ${found ? `has checksums of ${providerName(found)}` : "has no checksums"}, and the stacks use ${providerName(provider)}. Nothing was changed. Make the file again on a machine with internet: ${LOCK_COMMAND}. Then commit providers/.`,
    );
  });
  const text = [...parts].sort().join("\n");
  const file = join(directory, LOCK_FILE);
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
  return text;
}

/** The addresses of providers that run already, so that terraform installs none: a sandbox's. */
export function attachedProviders({ TF_REATTACH_PROVIDERS }: Variables): string[] {
  return Object.keys(JSON.parse(TF_REATTACH_PROVIDERS || "{}") as object).sort();
}

/** Whether a stack installs providers that nobody's checksums are known of. */
export function installsUnchecked(terraform: StackDocument["terraform"], variables: Variables): boolean {
  return (
    requiredProviders(terraform, attachedProviders(variables)).length > 0 &&
    !existsSync(join(providersFolder(variables), LOCK_FILE))
  );
}

export const UNCHECKED_NOTE = `Note: ${LOCK_PATH} is missing, so nobody checks the providers: terraform runs what the registry serves under their versions. Make the file once, on a machine with internet: ${LOCK_COMMAND}. Then commit providers/.`;

const MISMATCH = /(?:doesn't|does not) match any of the checksums/;

/** What a failed `init` means when a provider isn't the one that was locked; undefined when it is something else. */
export function explainMismatch(stack: string, output: string): string | undefined {
  // terraform breaks its lines.
  const text = output.replace(/\s+/g, " ");
  if (!MISMATCH.test(text)) return undefined;
  const [, name = "a provider"] = /while installing ([\w./-]+ v?[\w.-]+\d)/.exec(text) ?? [];
  return `${stack}: ${name.replace(" v", " ")} is not what ${LOCK_PATH} has checksums of. terraform did not install it, and nothing was changed.
Either something between the registry and this machine serves another program (a mirror, a proxy, a cache): compare it with the SHA256SUMS of the provider's release.
Or the file lacks this platform, or is out of date: make it again on a machine that you trust (${LOCK_COMMAND}), look at what has changed in it, and commit providers/.`;
}
