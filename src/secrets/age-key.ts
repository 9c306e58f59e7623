import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeBech32, encodeBech32 } from "./bech32";
import { keep, privateDirectory } from "./private-files";

/** The key of the Kubernetes secret that Flux decrypts with; its ending tells Flux that it is an age key. */
export const AGE_KEY_NAME = "age.agekey";

/** The Kubernetes secret in flux-system that holds the private key. */
export const AGE_KEY_SECRET = "sops-age";

/** The input variable by which terraform gets the private key: ephemeral, so that no plan and no state keeps it. */
export const AGE_KEY_VARIABLE = "sops_age_key";

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

/**
 * The environment's key pair, if its private half is on this machine.
 * @throws Error that names the file when there is no age key in it
 */
export function readAgeKey(directory: string, environment: string): AgeKey | undefined {
  const file = ageKeyFile(directory, environment);
  if (!existsSync(file)) return undefined;
  const identity = /^AGE-SECRET-KEY-1[A-Z0-9]+$/m.exec(readFileSync(file, "utf8"))?.[0];
  const recipient = identity && recipientOf(identity);
  if (!identity || !recipient)
    throw new Error(
      `.secrets/${environment}/${AGE_KEY_NAME} holds no age key (a line AGE-SECRET-KEY-1…): bring it back from a copy`,
    );
  return { identity, recipient };
}

/** The environment's key pair, made on first use and readable by its owner only. */
export function keepAgeKey(directory: string, environment: string): AgeKey {
  keep(ageKeyFile(directory, environment), () => {
    const { identity, recipient } = newAgeKey();
    return `# public key: ${recipient}\n${identity}\n`;
  });
  return readAgeKey(directory, environment) as AgeKey;
}

function newAgeKey(): AgeKey {
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
