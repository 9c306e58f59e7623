import type { BucketKey } from "./bucket";
import type { SpacesKeys } from "./spaces-keys";

/** What a key that may make buckets is called, so that one a killed run left behind is known by its name. */
export const temporaryKeyName = (bucket: string): string => `hybrid-gitops-temporary-${bucket}`;

/**
 * Works with a key that may do anything with the account's buckets, which is deleted afterwards, also after an error. A key for one
 * bucket can't make that bucket, and can't be made before it. One that a killed run left behind is deleted first.
 * @param told hears of keys that were left behind
 * @throws what `work` throws, or Error that names a key which can't be deleted
 */
export async function withTemporaryKey<T>(
  keys: SpacesKeys,
  bucket: string,
  told: (text: string) => void,
  work: (key: BucketKey) => Promise<T>,
): Promise<T> {
  const name = temporaryKeyName(bucket);
  for (const { access_key } of await keys.list(name)) {
    await keys.remove(access_key);
    told(`deleted the key ${access_key} (${name}), which an interrupted run had left behind`);
  }
  const key = await keys.create(name, [{ bucket: "", permission: "fullaccess" }]);
  let failed: unknown;
  try {
    return await work(key);
  } catch (error) {
    failed = error;
    throw error;
  } finally {
    await keys.remove(key.id).catch((error: Error) => {
      const text = `The temporary key ${key.id} (${name}) may do anything with your buckets and could not be deleted: ${error.message}. Run the command again, or delete it at cloud.digitalocean.com/spaces/access_keys.`;
      throw new Error(failed instanceof Error ? `${failed.message}\n${text}` : text, { cause: error });
    });
  }
}
