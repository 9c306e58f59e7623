import type { SpacesBackend } from "../../config";
import type { Variables } from "../../terraform";
import type { StateStore } from "../state-store";
import { Bucket, type BucketKey, type BucketOptions, type BucketPlace } from "./bucket";

/** The states of a project in a bucket. */
export class SpacesStore implements StateStore {
  constructor(readonly bucket: Bucket) {}

  get description(): string {
    return this.bucket.description;
  }

  async read(name: string): Promise<Buffer | undefined> {
    return (await this.bucket.read(name))?.content;
  }

  write(name: string, content: Buffer): Promise<void> {
    return this.bucket.write(name, content);
  }

  remove(name: string): Promise<void> {
    return this.bucket.remove(name);
  }

  async list(folder: string): Promise<readonly string[]> {
    return (await this.bucket.list(folder)).files;
  }
}

/**
 * The store in the bucket that the configuration names, with the key of the environment. Asks the store nothing yet.
 * @throws Error when the key is missing
 */
export async function openSpacesStore(
  state: SpacesBackend,
  variables: Variables,
  options: BucketOptions = {},
): Promise<SpacesStore> {
  const key = bucketKey(variables);
  if (key === undefined)
    throw new Error(
      `The key of the bucket ${state.bucket} is not set (SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY, in .env or the environment): npm run state -- prepare makes one.`,
    );
  return new SpacesStore(await Bucket.open(placeOf(state), key, options));
}

/** Where a bucket is, without what Terraform does with it. */
export function placeOf({ bucket, region, endpoint, ownEndpoint }: SpacesBackend): BucketPlace {
  return { bucket, region, endpoint, ownEndpoint };
}

/** The key that terraform runs with too; undefined unless both halves are set. */
export function bucketKey(variables: Variables): BucketKey | undefined {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = variables;
  return id && secret ? { id, secret } : undefined;
}
