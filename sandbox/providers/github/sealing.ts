import { apiError, type SealingKey } from "./cloud";

/**
 * Checks a sealed secret as GitHub does: it has to open with the key pair of the repository or the environment. What is inside is thrown away.
 *
 * @throws ProviderError with GitHub's 422 when it doesn't open.
 */
export async function checkSealed(pair: SealingKey, sealed: string, path: string): Promise<void> {
  const sodium = await loadSodium();
  const decode = (value: string) => new Uint8Array(Buffer.from(value, "base64"));
  try {
    sodium.crypto_box_seal_open(decode(sealed), decode(pair.public_key), decode(pair.private_key));
  } catch {
    throw apiError(
      "PUT",
      path,
      422,
      "Bad request - The value was not encrypted with the public key of this repository",
    );
  }
}

/** Seals a value with a public key, as the provider does with `plaintext_value`. */
export async function seal(pair: SealingKey, value: string): Promise<string> {
  const sodium = await loadSodium();
  const sealed = sodium.crypto_box_seal(
    new Uint8Array(Buffer.from(value, "utf8")),
    new Uint8Array(Buffer.from(pair.public_key, "base64")),
  );
  return Buffer.from(sealed).toString("base64");
}

/** libsodium is large: it is loaded when the first secret comes. */
async function loadSodium() {
  const { default: sodium } = await import("libsodium-wrappers");
  await sodium.ready;
  return sodium;
}
