import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type sodiumType from "libsodium-wrappers";

/**
 * Seals a value for the owner of a public key (libsodium's sealed box, the form in which GitHub takes Actions secrets).
 * @param publicKey base64, as GitHub's API gives it
 * @returns base64; a new one at every call, since a sealed box carries a key pair of its own
 */
export async function seal(value: string, publicKey: string): Promise<string> {
  // Loaded only when something is sealed: the library is a megabyte of WebAssembly.
  const sodium: typeof sodiumType = (await import("libsodium-wrappers")).default;
  await sodium.ready;
  const key = sodium.from_base64(publicKey, sodium.base64_variants.ORIGINAL);
  return sodium.to_base64(
    sodium.crypto_box_seal(sodium.from_string(value), key),
    sodium.base64_variants.ORIGINAL,
  );
}

const DIGEST_BYTES = 32;
/** Ten milliseconds a guess; the tokens themselves have 160 random bits and more. */
const SCRYPT_COST = 4096;
const scryptInThread = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/** A salted digest by which the same value is recognised later (scrypt, so that guessing it costs). */
export async function digest(value: string, salt: Buffer = randomBytes(16)): Promise<string> {
  return `${salt.toString("base64")}:${(await derive(value, salt)).toString("base64")}`;
}

/** Whether a digest was made from this value. */
export async function matchesDigest(value: string, expected: string): Promise<boolean> {
  const [salt = "", hash = ""] = expected.split(":");
  const actual = await derive(value, Buffer.from(salt, "base64"));
  const wanted = Buffer.from(hash, "base64");
  return wanted.length === actual.length && timingSafeEqual(actual, wanted);
}

/** In a thread of its own, since it is slow on purpose. */
const derive = (value: string, salt: Buffer): Promise<Buffer> =>
  scryptInThread(value, salt, DIGEST_BYTES, { N: SCRYPT_COST });
