import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../files";
import { shownPath } from "../place";
import { concealValues } from "../redaction";

/** Private halves stay on this machine and in the cluster: a git-ignored folder, readable by its owner only. */
export function privateDirectory(directory: string, environment: string): string {
  return join(directory, ".secrets", environment);
}

/** The file of Flux's private deploy key, which `flux bootstrap --private-key-file` takes. */
export function deployKeyFile(directory: string, environment: string): string {
  return join(privateDirectory(directory, environment), "deploy-key");
}

/**
 * The public half of Flux's deploy key. The key is made on first use only: on a machine that doesn't have the private half
 * (CI, a colleague's laptop) the published half stays.
 * @param writes false: a new one is kept nowhere, and stands for the one that a deploy will make
 */
export function deployKey(
  directory: string,
  environment: string,
  published: string | undefined,
  writes = true,
): string {
  const file = deployKeyFile(directory, environment);
  if (published !== undefined && !existsSync(file)) return published;
  return publicKeyOf(
    keep(file, () => newOpenSshKey(`flux-${environment}`), writes),
    shownPath(directory, deployKeyFile("", environment)),
  );
}

/**
 * The path of Flux's receiver: `/hook/` and the digest of token, name and namespace, as the notification-controller derives
 * it. The token is made on first use only, as the deploy key is.
 * @param writes false: a new one is kept nowhere
 */
export function webhookPath(
  directory: string,
  environment: string,
  published: string | undefined,
  writes = true,
): string {
  if (published !== undefined && !existsSync(webhookTokenFile(directory, environment))) return published;
  const token = webhookToken(directory, environment, writes);
  const digest = createHash("sha256").update(`${token}${RECEIVER.name}${RECEIVER.namespace}`).digest("hex");
  return `/hook/${digest}`;
}

/**
 * What the private files of all environments hold that is not known by its looks: the receivers' tokens, and each line of the deploy keys.
 * Files that can't be read are left out: the command that needs one says what is wrong with it.
 */
export function privateValues(directory: string): string[] {
  const environments = contentOr(() => readdirSync(join(directory, ".secrets")), []);
  return environments
    .flatMap((environment) => [
      webhookTokenFile(directory, environment),
      deployKeyFile(directory, environment),
    ])
    .map((file) => contentOr(() => readFileSync(file, "utf8"), "").trim())
    .filter((value) => value !== "");
}

function contentOr<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** The file of the token that Flux's receiver is called with. */
export function webhookTokenFile(directory: string, environment: string): string {
  return join(privateDirectory(directory, environment), "webhook-token");
}

/** The receiver's token, made on first use. */
export function webhookToken(directory: string, environment: string, writes = true): string {
  return keep(webhookTokenFile(directory, environment), newWebhookToken, writes).trim();
}

/** A token for the receiver. */
export function newWebhookToken(): string {
  const token = randomBytes(32).toString("hex");
  concealValues([token]);
  return token;
}

/** Replaces the receiver's token. The webhook at GitHub follows with the next deploy. */
export function writeWebhookToken(directory: string, environment: string, token: string): void {
  writeWhole(webhookTokenFile(directory, environment), token, { mode: 0o600 });
}

const RECEIVER = { name: "flux-system", namespace: "flux-system" } as const;

/** The content of a private file, which is made when it isn't there (and kept, if it writes) and never overwritten. */
export function keep(file: string, make: () => string, writes = true): string {
  if (!existsSync(file)) {
    if (!writes) return make();
    mkdirSync(join(file, ".."), { recursive: true, mode: 0o700 });
    writeFileSync(file, make(), { mode: 0o600, flag: "wx" });
  }
  return readFileSync(file, "utf8");
}

// OpenSSH's private key format (PROTOCOL.key of OpenSSH): Node writes PKCS#8, which Flux's SSH library also reads, but the
// public half has to be in OpenSSH's form either way.
function newOpenSshKey(comment: string): string {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const pub = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const seed = Buffer.from(privateKey.export({ format: "jwk" }).d ?? "", "base64url");
  const check = randomBytes(4);
  const blob = Buffer.concat([
    check,
    check,
    field("ssh-ed25519"),
    field(pub),
    field(Buffer.concat([seed, pub])),
    field(comment),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (blob.length % 8)) % 8 }, (_, index) => index + 1));
  const key = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"),
    field("none"),
    field(""),
    uint32(1),
    field(Buffer.concat([field("ssh-ed25519"), field(pub)])),
    field(Buffer.concat([blob, padding])),
  ]);
  const lines = key.toString("base64").match(/.{1,70}/g) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join(
    "\n",
  );
}

/** @param name what messages call the file */
function publicKeyOf(pem: string, name: string): string {
  const body = Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64");
  const marker = field("ssh-ed25519");
  const start = body.indexOf(marker);
  if (start < 0)
    throw new Error(`${name} is no ed25519 key in OpenSSH's form: delete it, and a new deploy key is made`);
  const end = start + marker.length + 4 + body.readUInt32BE(start + marker.length);
  return `ssh-ed25519 ${body.subarray(start, end).toString("base64")}`;
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([uint32(bytes.length), bytes]);
}
