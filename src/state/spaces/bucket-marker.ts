import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SpacesBackend } from "../../config";
import { writeWhole } from "../../files";

/** Says in a workspace's folder of local states that the states are in a bucket; beside them, so that Git ignores it too. */
const MARKER = "in-bucket.json";

/** A bucket in which a workspace has its states, as far as this machine knows. */
export interface MarkedBucket {
  readonly bucket: string;
  readonly region: string;
  readonly endpoint: string;
}

/** Remembers which bucket has the states, so that a configuration that goes back to local files is noticed. */
export function markBucket(folder: string, { bucket, region, endpoint }: SpacesBackend): void {
  const known = markedBucket(folder);
  if (known?.bucket === bucket && known.endpoint === endpoint) return;
  const marker: MarkedBucket = { bucket, region, endpoint };
  writeWhole(join(folder, MARKER), `${JSON.stringify(marker, null, 2)}\n`, { mode: 0o600 });
}

/** The bucket that was used last; undefined when none was, or when nobody knows any more. */
export function markedBucket(folder: string): MarkedBucket | undefined {
  try {
    const marked = JSON.parse(readFileSync(join(folder, MARKER), "utf8")) as Partial<MarkedBucket>;
    const { bucket, region, endpoint } = marked;
    return bucket && region && endpoint ? { bucket, region, endpoint } : undefined;
  } catch {
    return undefined;
  }
}

/** Forgets the bucket, once its states are local again. */
export function unmarkBucket(folder: string): void {
  rmSync(join(folder, MARKER), { force: true });
}
