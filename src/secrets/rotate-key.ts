import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../files";
import { npmRunIn, shownPath } from "../place";
import {
  keepNextAgeKey,
  nextAgeKeyFile,
  readAgeKeys,
  retireAgeKey,
  retiredAgeKeysFile,
  writeAgeKeys,
} from "./age-key";
import { explainAbsentKey, explainForeignKey, explainMissingKey } from "./foreign-key";
import { plainPlaces } from "./plain-parts";
import { allSecretFiles, readSecretFile, recipientsOf, type SecretFile } from "./secret-files";
import type { Sops } from "./sops";
import { beginRotation, endRotation, readRecipients, readRetiringRecipient } from "./sops-configuration";

/**
 * A new key for an environment, in two steps, so that Flux can decrypt at every moment:
 *
 * 1. begin: every file is encrypted for the new key and the old one, and the next deploy gives the cluster both. Flux opens the old
 *    commit and the new one with the old key in the cluster as well as with both.
 * 2. finish, once the cluster has both and Flux reads the files of step 1: the files are encrypted for the new key only, and the next
 *    deploy leaves the cluster that key only. Flux opens the commits of both steps with either.
 *
 * What is done is seen from the files themselves, so that each step can be interrupted at any point and run again.
 */
export type KeyRotationStep = "begin" | "finish";

/** What a step of a key's rotation did, or would do. */
export interface KeyRotation {
  readonly environment: string;
  readonly step: KeyRotationStep;
  /** The public half of the key that the environment goes over to; absent in a dry run that would make it. */
  readonly present?: string;
  /** The public half of the key that is replaced. */
  readonly retiring: string;
  /** Files that were encrypted again. */
  readonly files: readonly string[];
  /** Where the old private key is kept from now on, when the rotation is finished. */
  readonly kept?: string;
}

/** Which step of a rotation is next for an environment. */
export function nextStep(directory: string, environment: string): KeyRotationStep {
  const [present] = readRecipients(directory, environment) ?? [];
  const retiring = readRetiringRecipient(directory, environment);
  const surplus = readAgeKeys(directory, environment).some(({ recipient }) => recipient !== present);
  // A step that was cut off is done again: the first one has a key that isn't recorded yet, or files without the new one; the
  // second has an old key that nothing names any more.
  if (existsSync(nextAgeKeyFile(directory, environment))) return "begin";
  if (retiring !== undefined) return isEncryptedForBoth(directory, environment) ? "finish" : "begin";
  return surplus ? "finish" : "begin";
}

function isEncryptedForBoth(directory: string, environment: string): boolean {
  const wanted = readRecipients(directory, environment) ?? [];
  return encryptedFiles(directory, environment).every(({ recipients }) => isSame(recipients, wanted));
}

/**
 * Begins the rotation of an environment's key, or goes on with one that was interrupted.
 * @param dryRun tell what would be done, and do nothing
 * @throws Error when the private key isn't here, or a file can't be opened; what is done stays, and the next run goes on
 */
export async function beginKeyRotation(
  directory: string,
  environment: string,
  sops: Sops,
  dryRun = false,
): Promise<KeyRotation> {
  const recorded = recordedKey(directory, environment);
  const files = encryptedFiles(directory, environment);
  requireEncrypted(directory, environment);
  const known = readRetiringRecipient(directory, environment);
  if (dryRun) {
    const retiring = known ?? recorded;
    return {
      environment,
      step: "begin",
      ...(known === undefined ? {} : { present: recorded }),
      retiring,
      files: files.map(({ file }) => file),
    };
  }
  if (known === undefined) {
    const next = keepNextAgeKey(directory, environment);
    const others = readAgeKeys(directory, environment).filter(
      ({ recipient }) => recipient !== next.recipient,
    );
    writeAgeKeys(directory, environment, [next, ...others]);
    beginRotation(directory, environment, next.recipient);
  }
  const retiring = readRetiringRecipient(directory, environment) as string;
  rmSync(nextAgeKeyFile(directory, environment), { force: true });
  const changed = await encryptAnew(directory, environment, sops);
  const [present] = readRecipients(directory, environment) as readonly [string];
  return { environment, step: "begin", present, retiring, files: changed };
}

/**
 * Finishes the rotation: nothing is encrypted for the old key any more. The old private key is kept beside the new one, for old commits.
 * Whether the cluster has both keys, the caller has to know.
 * @param dryRun tell what would be done, and do nothing
 * @throws Error when the private key isn't here, or a file can't be opened; what is done stays, and the next run goes on
 */
export async function finishKeyRotation(
  directory: string,
  environment: string,
  sops: Sops,
  dryRun = false,
): Promise<KeyRotation> {
  const present = recordedKey(directory, environment);
  const old = readAgeKeys(directory, environment).filter(({ recipient }) => recipient !== present);
  const retiring = readRetiringRecipient(directory, environment) ?? old[0]?.recipient ?? "";
  const files = encryptedFiles(directory, environment).map(({ file }) => file);
  if (dryRun) return { environment, step: "finish", present, retiring, files };
  endRotation(directory, environment);
  const changed = await encryptAnew(directory, environment, sops);
  for (const key of old) retireAgeKey(directory, environment, key);
  writeAgeKeys(
    directory,
    environment,
    readAgeKeys(directory, environment).filter(({ recipient }) => recipient === present),
  );
  const kept = old.length > 0 ? { kept: retiredAgeKeysFile("", environment) } : {};
  return { environment, step: "finish", present, retiring, files: changed, ...kept };
}

/** The key that the environment's files are encrypted for. @throws Error when there is none, or its private half isn't here */
function recordedKey(directory: string, environment: string): string {
  const [recorded] = readRecipients(directory, environment) ?? [];
  if (recorded === undefined)
    throw new Error(
      `${environment} has no key yet that could be rotated: ${npmRunIn(directory, "secrets", "create")} makes it`,
    );
  const keys = readAgeKeys(directory, environment);
  if (keys.length === 0)
    throw new Error(explainMissingKey(directory, environment, "the secrets can't be encrypted again"));
  if (!keys.some(({ recipient }) => recipient === recorded))
    throw new Error(explainForeignKey(directory, environment, recorded));
  const retiring = readRetiringRecipient(directory, environment);
  if (retiring !== undefined && !keys.some(({ recipient }) => recipient === retiring))
    throw new Error(explainAbsentKey(directory, environment, retiring));
  return recorded;
}

/** Encrypts each file with a new data key for exactly the recipients of .sops.yaml. Returns the files that needed it. */
async function encryptAnew(directory: string, environment: string, sops: Sops): Promise<string[]> {
  const wanted = readRecipients(directory, environment) ?? [];
  const changed: string[] = [];
  for (const { file, recipients } of encryptedFiles(directory, environment)) {
    if (isSame(recipients, wanted)) continue;
    const text = await sops.rotate(file, environment, {
      add: wanted.filter((recipient) => !recipients.includes(recipient)),
      remove: recipients.filter((recipient) => !wanted.includes(recipient)),
    });
    writeWhole(join(directory, file), text);
    changed.push(file);
  }
  return changed;
}

function encryptedFiles(directory: string, environment: string) {
  return allSecretFiles(directory, environment).flatMap((file) => {
    const present = readSecretFile(directory, file) as SecretFile;
    return present.sops ? [{ file, recipients: recipientsOf(present) }] : [];
  });
}

/** A file in plain text, or with values in plain text, would stay behind unnoticed. */
function requireEncrypted(directory: string, environment: string): void {
  const open = allSecretFiles(directory, environment).filter((file) => {
    const present = readSecretFile(directory, file) as SecretFile;
    return !present.sops || plainPlaces(present).length > 0;
  });
  if (open.length > 0)
    throw new Error(
      `${open.map((file) => shownPath(directory, file)).join(", ")} is in plain text: ${npmRunIn(directory, "secrets", "check")} says what to do, then rotate the key`,
    );
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item) => other.includes(item));
}
