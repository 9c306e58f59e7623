import type { SpacesBackend } from "../../config";
import { npmRunIn, shownPath } from "../../place";
import type { Variables } from "../../terraform";
import type { StateStore } from "../state-store";
import { Bucket, type BucketKey, type BucketOptions, type BucketPlace } from "./bucket";

/** The states of a project in a bucket. */
export class SpacesStore implements StateStore {
  constructor(readonly bucket: Bucket) {}

  get description(): string {
    return this.bucket.description;
  }

  get workspace(): string | undefined {
    return this.bucket.place.workspace;
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

  async listFolders(folder: string): Promise<readonly string[]> {
    return (await this.bucket.list(folder)).folders;
  }
}

/**
 * The store in the bucket that the configuration names, with the key of the environment. Asks the store nothing yet.
 * @param options.directory the workspace's, for the commands in messages
 * @throws Error when the key is missing
 */
export async function openSpacesStore(
  state: SpacesBackend,
  variables: Variables,
  { directory = "", ...options }: BucketOptions & { readonly directory?: string } = {},
): Promise<SpacesStore> {
  const key = bucketKey(variables);
  if (key === undefined)
    throw new Error(
      `The key of the bucket ${state.bucket} is not set (SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY, in ${shownPath(directory, ".env")} or the environment): ${npmRunIn(directory, "state", "prepare")} makes one.`,
    );
  return new SpacesStore(await Bucket.open(placeOf(state, directory), key, options));
}

/** Where a bucket is, without what Terraform does with it. */
export function placeOf(
  { bucket, region, endpoint, ownEndpoint }: SpacesBackend,
  workspace?: string,
): BucketPlace {
  return { bucket, region, endpoint, ownEndpoint, workspace };
}

/** The key that terraform runs with too; undefined unless both halves are set. */
export function bucketKey(variables: Variables): BucketKey | undefined {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = variables;
  return id && secret ? { id, secret } : undefined;
}
