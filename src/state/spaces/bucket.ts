import type { S3Client } from "@aws-sdk/client-s3";
import { proxyFor, TunnelAgent } from "../../api-client";
import type { SpacesBackend } from "../../config";
import { BucketError, bucketError } from "./bucket-error";

/** Both halves of a key for a bucket. */
export interface BucketKey {
  readonly id: string;
  readonly secret: string;
}

/** Where a bucket is, as the configuration's `state` says. */
export type BucketPlace = Omit<SpacesBackend, "backend" | "lockfile"> & {
  /** The directory of the workspace whose states are in it, for the commands in messages; absent: the checkout. */
  readonly workspace?: string;
};

/** A file in a bucket. */
export interface StoredFile {
  readonly content: Buffer;
  /** Changes with the content: what was read is what is deleted later. */
  readonly etag: string;
}

export interface BucketOptions {
  /** How often a request is tried in all when the connection fails or the store has a problem; default: 4. */
  readonly attempts?: number;
}

const CONNECTION_TIMEOUT_MS = 5_000;
/** Without a byte in either direction. */
const SOCKET_TIMEOUT_MS = 30_000;
const ATTEMPTS = 4;

/** The S3 client, loaded when a bucket is opened: a command that needs none starts without its megabytes. */
export async function loadS3(): Promise<typeof import("@aws-sdk/client-s3")> {
  // It would tell everybody on Node 20 that a later version of it needs a later Node.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  return import("@aws-sdk/client-s3");
}

/** One bucket, with one key. Every method throws a BucketError that names the bucket, what was refused, and the fix. */
export class Bucket {
  private constructor(
    readonly client: S3Client,
    private readonly s3: typeof import("@aws-sdk/client-s3"),
    readonly place: BucketPlace,
  ) {}

  /** Asks the store nothing yet. */
  static async open(
    place: BucketPlace,
    key: BucketKey,
    { attempts = ATTEMPTS }: BucketOptions = {},
  ): Promise<Bucket> {
    const s3 = await loadS3();
    const proxy = proxyOf(place);
    const client = new s3.S3Client({
      // As Terraform's backend has it (src/stacks/environment-stack.ts).
      region: "us-east-1",
      endpoint: place.endpoint,
      forcePathStyle: place.ownEndpoint,
      credentials: { accessKeyId: key.id, secretAccessKey: key.secret },
      // Spaces refuses the newer checksums that the client would add by itself.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      maxAttempts: attempts,
      requestHandler: {
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        socketTimeout: SOCKET_TIMEOUT_MS,
        // An http endpoint is on this machine, which no proxy reaches. Every bucket's host is below the endpoint's.
        ...(proxy ? { httpsAgent: new TunnelAgent(proxy) } : {}),
      },
    });
    return new Bucket(client, s3, place);
  }

  get name(): string {
    return this.place.bucket;
  }

  /** What people know it as. */
  get description(): string {
    return describe(this.place);
  }

  /** The content of a file; undefined when there is none of that name. */
  async read(name: string): Promise<StoredFile | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        const command = new this.s3.GetObjectCommand({ Bucket: this.name, Key: name });
        const { Body, ContentLength, ETag = "" } = await this.client.send(command);
        const content = Buffer.from((await Body?.transformToByteArray()) ?? []);
        if (ContentLength !== undefined && content.length !== ContentLength)
          throw Object.assign(new Error("cut off"), { code: "ECONNRESET" });
        return { content, etag: ETag };
      } catch (error) {
        if ((error as Error).name === "NoSuchKey") return undefined;
        // The client repeats requests, but not an answer that is cut off half way.
        const cutOff = isCutOff(error as NodeJS.ErrnoException);
        if (!cutOff || attempt === ATTEMPTS) throw this.error(`${name} can't be read`, error);
      }
    }
  }

  /** Writes a file; a store shows a file only when all of it has arrived. */
  async write(name: string, content: Buffer): Promise<void> {
    await this.put(name, content, {});
  }

  /**
   * Writes a file unless there is one of that name, where the store has conditional writes. Returns whether it was written: false
   * also means that the answer to a first attempt was lost, so look what is there.
   */
  async create(name: string, content: Buffer): Promise<boolean> {
    try {
      await this.put(name, content, { IfNoneMatch: "*" });
      return true;
    } catch (error) {
      if (isTaken(error)) return false;
      throw error;
    }
  }

  private async put(
    name: string,
    content: Buffer,
    condition: { readonly IfNoneMatch?: string },
  ): Promise<void> {
    const command = new this.s3.PutObjectCommand({
      Bucket: this.name,
      Key: name,
      Body: content,
      ContentType: "application/json",
      ...condition,
    });
    await this.attempt(`${name} can't be written`, () => this.client.send(command));
  }

  /**
   * Removes a file; one that isn't there is no error. With versioning its versions stay until the lifecycle rule removes them.
   * @param etag of what was read: a store that has conditional deletion removes nothing else
   */
  async remove(name: string, etag?: string): Promise<void> {
    const command = new this.s3.DeleteObjectCommand({
      Bucket: this.name,
      Key: name,
      ...(etag ? { IfMatch: etag } : {}),
    });
    await this.attempt(`${name} can't be removed`, () => this.client.send(command));
  }

  /** Files and folders directly in a folder (`""` is the bucket itself), without the folder's own name, sorted. */
  async list(folder: string): Promise<{ readonly files: string[]; readonly folders: string[] }> {
    const prefix = folder === "" ? "" : `${folder}/`;
    const [files, folders]: [string[], string[]] = [[], []];
    let next: string | undefined;
    do {
      const command = new this.s3.ListObjectsV2Command({
        Bucket: this.name,
        Prefix: prefix,
        Delimiter: "/",
        ContinuationToken: next,
      });
      const page = await this.attempt(`${folder || "its content"} can't be listed`, () =>
        this.client.send(command),
      );
      for (const { Key = "" } of page.Contents ?? [])
        if (Key !== prefix) files.push(Key.slice(prefix.length));
      for (const { Prefix = "" } of page.CommonPrefixes ?? []) folders.push(Prefix.slice(prefix.length, -1));
      next = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (next !== undefined);
    return { files: files.sort(), folders: folders.sort() };
  }

  /** Does something with the store; what it refuses is told in words. */
  async attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.error(what, error);
    }
  }

  private error(what: string, error: unknown): BucketError {
    return bucketError(this.description, what, error, this.place.workspace);
  }
}

function describe({ bucket, region, endpoint, ownEndpoint }: BucketPlace): string {
  return ownEndpoint ? `bucket ${bucket} at ${endpoint}` : `bucket ${bucket} in ${region}`;
}

/** The proxy on the way to a bucket, which has a host of its own but in other stores than Spaces. */
function proxyOf(place: BucketPlace): ReturnType<typeof proxyFor> {
  const { bucket, endpoint, ownEndpoint } = place;
  const url = new URL(endpoint);
  if (!ownEndpoint) url.hostname = `${bucket}.${url.hostname}`;
  try {
    return proxyFor(url.href);
  } catch (error) {
    throw bucketError(describe(place), "it can't be reached", error, place.workspace);
  }
}

function isCutOff({ code, message }: NodeJS.ErrnoException): boolean {
  return code === "ECONNRESET" || message === "aborted";
}

function isTaken(error: unknown): boolean {
  return (
    error instanceof BucketError && ["PreconditionFailed", "ConditionalRequestConflict"].includes(error.code)
  );
}
