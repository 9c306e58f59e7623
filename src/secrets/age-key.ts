import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../files";
import { shownPath } from "../place";
import { decodeBech32, encodeBech32 } from "./bech32";
import { keep, privateDirectory } from "./private-files";

/** The key of the Kubernetes secret that Flux decrypts with; its ending tells Flux that it is an age key. */
export const AGE_KEY_NAME = "age.agekey";

/** The Kubernetes secret in flux-system that holds the private key. */
export const AGE_KEY_SECRET = "sops-age";

/** The input variable by which terraform gets the private key: ephemeral, so that no plan and no state keeps it. */
export const AGE_KEY_VARIABLE = "sops_age_key";

/**
 * The revision of the secret that Flux decrypts with: another number for other keys, from 1 on as Terraform's provider wants it. It is
 * in the plan and the state, where it tells which keys the cluster has without telling them.
 */
export function decryptionKeyRevision(recipients: readonly string[]): number {
  const digest = createHash("sha256").update(recipients.join("\n")).digest("hex");
  return 1 + (Number.parseInt(digest.slice(0, 8), 16) % (2 ** 31 - 1));
}

/** A key pair of age (X25519), in age's own form. */
export interface AgeKey {
  /** `AGE-SECRET-KEY-1…` */
  readonly identity: string;
  /** `age1…`, the public half. */
  readonly recipient: string;
}

/** The file of an environment's private key, as `SOPS_AGE_KEY_FILE` takes it. */
export function ageKeyFile(directory: string, environment: string): string {
  return join(privateDirectory(directory, environment), AGE_KEY_NAME);
}

/** A new key of an environment whose rotation has begun and isn't recorded in .sops.yaml yet. */
export function nextAgeKeyFile(directory: string, environment: string): string {
  return join(privateDirectory(directory, environment), "next.agekey");
}

/** Keys of an environment that nothing is encrypted for any more, but old commits: for whoever has to open one. */
export function retiredAgeKeysFile(directory: string, environment: string): string {
  return join(privateDirectory(directory, environment), "retired.agekey");
}

/**
 * The environment's key pairs whose private halves are on this machine, the present one first: two while a rotation is under way.
 * @throws Error that names the file when there is no age key in it, or one that is damaged
 */
export function readAgeKeys(directory: string, environment: string): AgeKey[] {
  const file = ageKeyFile(directory, environment);
  return existsSync(file)
    ? parseAgeKeys(readFileSync(file, "utf8"), shownPath(directory, ageKeyFile("", environment)))
    : [];
}

/** The key pairs of an environment that only old commits need, as far as they are here. @throws Error for a damaged file */
export function readRetiredAgeKeys(directory: string, environment: string): AgeKey[] {
  const file = retiredAgeKeysFile(directory, environment);
  return existsSync(file)
    ? parseAgeKeys(readFileSync(file, "utf8"), shownPath(directory, retiredAgeKeysFile("", environment)))
    : [];
}

/**
 * The environment's present key pair, if its private half is on this machine.
 * @throws Error that names the file when there is no age key in it
 */
export function readAgeKey(directory: string, environment: string): AgeKey | undefined {
  return readAgeKeys(directory, environment)[0];
}

/**
 * The key pairs in a file of age's form: a line for each private half, and comments.
 * @param name what messages call the file
 * @throws Error that names the file when there is no age key in it, or one that is damaged
 */
export function parseAgeKeys(text: string, name: string): AgeKey[] {
  const keys = text.split("\n").flatMap((line) => {
    const identity = line.trim();
    return identity === "" || identity.startsWith("#")
      ? []
      : [{ identity, recipient: recipientOf(identity) }];
  });
  if (keys.length === 0 || keys.some(({ recipient }) => recipient === undefined))
    throw new Error(`${name} holds no age key (a line AGE-SECRET-KEY-1…): bring it back from a copy`);
  return keys as AgeKey[];
}

/** The environment's key pair, made on first use and readable by its owner only. */
export function keepAgeKey(directory: string, environment: string): AgeKey {
  keep(ageKeyFile(directory, environment), () => renderAgeKeys([newAgeKey()]));
  return readAgeKey(directory, environment) as AgeKey;
}

/** The key that a rotation goes over to, made when the rotation begins and found again when it was interrupted. */
export function keepNextAgeKey(directory: string, environment: string): AgeKey {
  const text = keep(nextAgeKeyFile(directory, environment), () => renderAgeKeys([newAgeKey()]));
  return parseAgeKeys(text, shownPath(directory, nextAgeKeyFile("", environment)))[0] as AgeKey;
}

/** Writes the environment's key file, the present key first; whole or not at all, for its owner only. */
export function writeAgeKeys(directory: string, environment: string, keys: readonly AgeKey[]): void {
  writeWhole(ageKeyFile(directory, environment), renderAgeKeys(keys), { mode: 0o600 });
}

/** Notes a key among those that only old commits need. What is there already stays. */
export function retireAgeKey(directory: string, environment: string, key: AgeKey): void {
  const file = retiredAgeKeysFile(directory, environment);
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (!text.includes(key.identity)) writeWhole(file, text + renderAgeKeys([key]), { mode: 0o600 });
}

function renderAgeKeys(keys: readonly AgeKey[]): string {
  return keys.map(({ identity, recipient }) => `# public key: ${recipient}\n${identity}\n`).join("");
}

/** A key pair that nothing is encrypted for yet, kept nowhere. */
export function newAgeKey(): AgeKey {
  const { d } = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
  const identity = encodeBech32(SECRET_PREFIX, Buffer.from(d as string, "base64url")).toUpperCase();
  return { identity, recipient: recipientOf(identity) as string };
}

const SECRET_PREFIX = "age-secret-key-";
/** What stands before the 32 bytes of an X25519 key in PKCS#8 (RFC 8410). */
const PKCS8_HEADER = Buffer.from("302e020100300506032b656e04220420", "hex");
const KEY_LENGTH = 32;

/** The public half of a private key; undefined when it isn't one of age's. */
function recipientOf(identity: string): string | undefined {
  const bytes = decodeBech32(SECRET_PREFIX, identity);
  if (bytes?.length !== KEY_LENGTH) return undefined;
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_HEADER, bytes]),
    format: "der",
    type: "pkcs8",
  });
  const { x } = createPublicKey(key).export({ format: "jwk" });
  return encodeBech32("age", Buffer.from(x as string, "base64url"));
}
