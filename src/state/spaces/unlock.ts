import { stateName } from "../backups";
import { readLockInfo, type StateLock } from "../state-lock";
import type { Bucket } from "./bucket";

/** A lock as it was read. */
export interface FoundLock {
  readonly info: StateLock;
  readonly etag: string;
}

/** What Terraform calls the lock file of a state in a bucket. */
const lockName = (stack: string): string => `${stateName(stack)}.tflock`;

/** Terraform's lock of a stack's state in a bucket; undefined when there is none. */
export async function readLock(bucket: Bucket, stack: string): Promise<FoundLock | undefined> {
  const found = await bucket.read(lockName(stack));
  return found && { info: { status: "unknown", ...readLockInfo(found.content) }, etag: found.etag };
}

/**
 * Removes exactly the lock that was read.
 * @throws BucketError when it is another one by now
 */
export async function unlockState(bucket: Bucket, stack: string, { info, etag }: FoundLock): Promise<void> {
  const present = await readLock(bucket, stack);
  if (present === undefined) return;
  if (present.info.id !== info.id)
    throw new Error(`${stack}: somebody else has taken the lock meanwhile. Nothing was removed.`);
  await bucket.remove(lockName(stack), etag);
}
