import { randomBytes } from "node:crypto";
import type { Bucket } from "./bucket";

/** Objects of the probe; one that a killed run leaves behind is harmless and is removed by the next. */
export const PROBE_PREFIX = "probe-of-conditional-writes-";

/** How many write at once in the second part of the probe. */
const AT_ONCE = 4;

/** What a store makes of conditional writes; undefined: they work, else why Terraform could not lock with them. */
export type LockObstacle =
  | "a second writer is not kept out"
  | "a lock that was given back can't be taken again";

/**
 * Whether `If-None-Match: *` is good for Terraform's lock file in the bucket. Of two writes one after the other the second must be
 * refused (412), and of several at once all but one: a store that doesn't know the header writes them all. After the file was removed
 * it must be possible to write it again: where a bucket keeps versions, some stores refuse that for ever (seen in versitygw 1.8.0).
 * @param bucket opened with one attempt: a repeated request would be refused by what its first attempt has written
 * @throws BucketError when the bucket can't be written at all
 */
export async function lockObstacle(bucket: Bucket): Promise<LockObstacle | undefined> {
  await removeLeftOver(bucket);
  const name = `${PROBE_PREFIX}${randomBytes(8).toString("hex")}`;
  const write = (end: string, text: string): Promise<boolean> =>
    bucket.create(`${name}-${end}`, Buffer.from(text));
  try {
    const first = await write("a", "first");
    if (!first || (await write("a", "second"))) return "a second writer is not kept out";
    const together = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => write("b", String(index))),
    );
    if (together.filter(Boolean).length !== 1) return "a second writer is not kept out";
    await bucket.remove(`${name}-a`);
    return (await write("a", "third")) ? undefined : "a lock that was given back can't be taken again";
  } finally {
    await bucket.remove(`${name}-a`);
    await bucket.remove(`${name}-b`);
  }
}

async function removeLeftOver(bucket: Bucket): Promise<void> {
  const { files } = await bucket.list("");
  for (const file of files) if (file.startsWith(PROBE_PREFIX)) await bucket.remove(file);
}
