import { randomBytes } from "node:crypto";
import type { Bucket } from "./bucket";

/** Objects of the probe; one that a killed run leaves behind is harmless and is removed by the next. */
export const PROBE_PREFIX = "probe-of-conditional-writes-";

/** How many write at once in the second part of the probe. */
const AT_ONCE = 4;

/**
 * Whether `If-None-Match: *` keeps a second writer out, which Terraform's lock file in the bucket is built on: of two writes one after
 * the other the second must be refused (412), and of several at once all but one. A store that doesn't know the header writes them all.
 * @param bucket opened with one attempt: a repeated request would be refused by what its first attempt has written
 * @throws BucketError when the bucket can't be written at all
 */
export async function hasConditionalWrites(bucket: Bucket): Promise<boolean> {
  await removeLeftOver(bucket);
  const name = `${PROBE_PREFIX}${randomBytes(8).toString("hex")}`;
  try {
    const first = await bucket.create(`${name}-a`, Buffer.from("first"));
    const second = await bucket.create(`${name}-a`, Buffer.from("second"));
    if (!first || second) return false;
    const together = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => bucket.create(`${name}-b`, Buffer.from(String(index)))),
    );
    return together.filter(Boolean).length === 1;
  } finally {
    await bucket.remove(`${name}-a`);
    await bucket.remove(`${name}-b`);
  }
}

async function removeLeftOver(bucket: Bucket): Promise<void> {
  const { files } = await bucket.list("");
  for (const file of files) if (file.startsWith(PROBE_PREFIX)) await bucket.remove(file);
}
