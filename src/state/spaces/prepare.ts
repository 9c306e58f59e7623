import type { SpacesBackend } from "../../config";
import { npmRunIn, shownPath } from "../../place";
import type { Variables } from "../../terraform";
import { Bucket, type BucketKey, loadS3 } from "./bucket";
import { BucketError } from "./bucket-error";
import { checkSettings, type Setting } from "./bucket-settings";
import { lockObstacle, PROBE_PREFIX } from "./conditional-writes";
import type { SpacesKeys } from "./spaces-keys";
import { bucketKey, placeOf } from "./spaces-store";
import { withTemporaryKey } from "./temporary-key";

/** One thing that was looked at. */
export interface PreparationFinding {
  /** A stable name for scripts. */
  readonly check: "bucket" | Setting["name"] | "content" | "key" | "locking";
  readonly status: "ok" | "changed" | "missing" | "warning" | "unchecked";
  readonly message: string;
  /** What a person has to do about it. */
  readonly fix?: string;
}

export interface PrepareContext {
  readonly state: SpacesBackend;
  /** The workspace's, for the files and commands in what is told; absent: the checkout. */
  readonly directory?: string;
  /** With the key of the bucket, where there is one. */
  readonly variables: Variables;
  /** Makes keys; absent for a store that is not Spaces, whose keys are made there. */
  readonly keys?: SpacesKeys;
  /** The key comes from the environment, which wins over .env: a new one in .env would not be used. */
  readonly keyIsFromEnvironment: boolean;
  /** Keeps a new key where the next command finds it. */
  readonly keepKey: (key: BucketKey) => void;
  /** Writes `"lockfile": false` into the configuration. */
  readonly switchLockfileOff: () => void;
  /** What is found, as it comes. */
  readonly tell: (finding: PreparationFinding) => void;
  readonly signal: AbortSignal;
  /** How long a new key may take until it works; default: 60 s. */
  readonly keyLimitMs?: number;
}

/** The bucket, and for whom it is described. */
type Where = Pick<PrepareContext, "state" | "directory">;

/** Spaces takes some seconds until a new key works. */
const KEY_LIMIT_MS = 60_000;
const BETWEEN_TRIES_MS = 1_000;
/** What a store says of a key that it doesn't know, or not yet. */
const NOT_YET = ["InvalidAccessKeyId", "AccessDenied", "SignatureDoesNotMatch"];

const fixKey = (directory = ""): string =>
  `unset it there, or give it the key of this bucket: what the environment says wins over what is written into ${shownPath(directory, ".env")}`;

/** What the key in .env is called at DigitalOcean. */
export const bucketKeyName = (bucket: string): string => `hybrid-gitops-state-${bucket}`;

/**
 * Makes the bucket of the states and the key for it, or looks at what is there and mends it. Safe to repeat at any time.
 * @throws Error for what can't go on, such as a bucket of that name that belongs to someone else; nothing is written into that
 */
export async function prepareBucket(context: PrepareContext): Promise<void> {
  const { state, keys, variables, tell, directory = "" } = context;
  if (keys === undefined) {
    const key = bucketKey(variables);
    if (key === undefined)
      throw new Error(
        `The key of the bucket ${state.bucket} is not set: state.endpoint is ${state.endpoint}, which is not Spaces, so that no key can be made here. Make one there that may make buckets, and put it into ${shownPath(directory, ".env")} as SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY.`,
      );
    await prepareWith(key, context);
    await settleLocking(key, context);
    return;
  }
  const told = (message: string): void => tell({ check: "key", status: "changed", message });
  const key = await withTemporaryKey(keys, state.bucket, told, async (temporary) => {
    await prepareWith(temporary, context);
    return workingKey(context, keys);
  });
  await settleLocking(key, context);
}

/** Looks at everything and changes nothing: with the key of the bucket, if there is one. */
export async function checkBucket(context: Omit<PrepareContext, "keys">): Promise<void> {
  const { state, tell, directory = "" } = context;
  const key = bucketKey(context.variables);
  if (key === undefined) {
    tell({
      check: "key",
      status: "missing",
      message: `SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY are not set, so that nobody knows whether the bucket ${state.bucket} is there`,
      fix: `${npmRunIn(directory, "state", "prepare")} makes the bucket and a key for it`,
    });
    return;
  }
  const bucket = await Bucket.open(placeOf(state, directory), key);
  try {
    await lookAtContent(bucket, context);
  } catch (error) {
    if (!(error instanceof BucketError)) throw error;
    tell({
      check: error.code === "NoSuchBucket" ? "bucket" : "key",
      status: "missing",
      message: error.message,
    });
    return;
  }
  tell({ check: "key", status: "ok", message: `SPACES_ACCESS_KEY_ID opens the ${bucket.description}` });
  tellSettings(await checkSettings(bucket, false), context);
  tell({
    check: "locking",
    status: "unchecked",
    message: state.lockfile
      ? `the lock file in the bucket is on; whether the store keeps a second writer out shows in ${npmRunIn(directory, "state", "prepare")}`
      : NO_LOCKFILE,
  });
}

async function prepareWith(administrator: BucketKey, context: PrepareContext): Promise<void> {
  const bucket = await Bucket.open(placeOf(context.state, context.directory), administrator);
  const own = await untilKeyWorks(context, () => ownBuckets(bucket));
  context.signal.throwIfAborted();
  if (own.includes(bucket.name)) {
    context.tell({ check: "bucket", status: "ok", message: `${bucket.description} is there, and yours` });
  } else {
    const made = await makeBucket(bucket);
    context.tell({
      check: "bucket",
      status: made ? "changed" : "ok",
      message: `${bucket.description} ${made ? "was made" : "is there, and yours"}`,
    });
  }
  context.signal.throwIfAborted();
  tellSettings(await checkSettings(bucket, true), context);
  await lookAtContent(bucket, context);
  context.signal.throwIfAborted();
}

/**
 * The buckets of the account. A bucket that merely answers may be somebody else's public one.
 */
async function ownBuckets(bucket: Bucket): Promise<string[]> {
  const { ListBucketsCommand } = await loadS3();
  const { Buckets = [] } = await bucket.attempt("the account's buckets can't be listed", () =>
    bucket.client.send(new ListBucketsCommand({})),
  );
  return Buckets.flatMap(({ Name }) => Name ?? []);
}

/** Returns whether it was made; false: it was there, and one's own. */
async function makeBucket(bucket: Bucket): Promise<boolean> {
  const { CreateBucketCommand } = await loadS3();
  try {
    await bucket.attempt("it can't be made", () =>
      bucket.client.send(new CreateBucketCommand({ Bucket: bucket.name, ACL: "private" })),
    );
    return true;
  } catch (error) {
    const { code, status } = error as BucketError;
    // The answer to a first attempt may have been lost, and a new key may not know all buckets at once.
    if (code === "BucketAlreadyOwnedByYou" || (await isOwnAfterAll(bucket))) return false;
    if (code !== "BucketAlreadyExists" && status !== 403) throw error;
    throw new Error(
      `${bucket.description}: there is a bucket of this name that belongs to somebody else (or to you, in another region). Names of buckets are shared by all customers: put another one into state.bucket, such as ${bucket.name}-terraform. Nothing was written into it.`,
      { cause: error },
    );
  }
}

async function isOwnAfterAll(bucket: Bucket): Promise<boolean> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    if ((await ownBuckets(bucket)).includes(bucket.name)) return true;
    await new Promise((proceed) => setTimeout(proceed, BETWEEN_TRIES_MS));
  }
  return false;
}

function tellSettings(settings: readonly Setting[], { tell }: Pick<PrepareContext, "tell">): void {
  const statuses = { ok: "ok", mended: "changed", wrong: "missing", unknown: "warning" } as const;
  for (const { name, status, text } of settings)
    tell({ check: name, status: statuses[status], message: `${name}: ${text}` });
}

/** What this program keeps in a bucket. */
const OUR_FILES = new RegExp(`\\.tfstate(?:\\.tflock)?$|^${PROBE_PREFIX}`);
const OUR_FOLDERS = ["backups", "retired"];

async function lookAtContent(bucket: Bucket, { tell }: Pick<PrepareContext, "tell">): Promise<void> {
  const { files, folders } = await bucket.list("");
  const foreign = [
    ...files.filter((file) => !OUR_FILES.test(file)),
    ...folders.filter((folder) => !OUR_FOLDERS.includes(folder)).map((folder) => `${folder}/`),
  ];
  if (foreign.length === 0) return;
  const shown = foreign.slice(0, 3).join(", ");
  tell({
    check: "content",
    status: "warning",
    message: `${bucket.description} has other content too (${shown}${foreign.length > 3 ? `, and ${foreign.length - 3} more` : ""}); it is left alone, and whoever has the key of this bucket can change it`,
    fix: "give the states a bucket of their own (state.bucket)",
  });
}

/** The key in use, when it works; else a new one, which is kept at once. */
async function workingKey(context: PrepareContext, keys: SpacesKeys): Promise<BucketKey> {
  const { state, directory = "", variables, tell, keyIsFromEnvironment, keepKey, signal } = context;
  const present = bucketKey(variables);
  const problem = present ? await refusalOf(present, context) : undefined;
  if (present && problem === undefined) {
    tell({ check: "key", status: "ok", message: `SPACES_ACCESS_KEY_ID (${present.id}) works` });
    return present;
  }
  if (present && keyIsFromEnvironment)
    throw new Error(
      `SPACES_ACCESS_KEY_ID in the environment doesn't work: ${problem}\nFix: ${fixKey(context.directory)}. Then run this again.`,
    );
  signal.throwIfAborted();
  const name = bucketKeyName(state.bucket);
  const others = await keys.list(name);
  const key = await keys.create(name, [{ bucket: state.bucket, permission: "readwrite" }]);
  try {
    keepKey(key);
  } catch (error) {
    // Nobody would ever know its secret.
    await keys.remove(key.id);
    throw error;
  }
  tell({
    check: "key",
    status: "changed",
    message: `a key for this bucket only (${key.id}) is in ${shownPath(directory, ".env")} now, readable by you only`,
  });
  if (others.length > 0)
    tell({
      check: "key",
      status: "warning",
      message: `${others.length} other ${others.length === 1 ? "key has" : "keys have"} access to the bucket under the same name (${others.map(({ access_key }) => access_key).join(", ")}): of colleagues and CI, or of earlier runs`,
      fix: "delete those that nobody uses at cloud.digitalocean.com/spaces/access_keys",
    });
  return key;
}

/** So often a key is refused before it counts as refused: stores know of changed keys a moment later in some of their parts. */
const REFUSALS = 3;

/** Why a key can't be used for the bucket; undefined when it can read and write there. */
async function refusalOf(key: BucketKey, context: Where): Promise<string | undefined> {
  for (let refusal = 1; ; refusal++) {
    const reason = await refusalOnce(key, context);
    if (reason === undefined || refusal === REFUSALS) return reason;
    await new Promise((proceed) => setTimeout(proceed, BETWEEN_TRIES_MS));
  }
}

async function refusalOnce(key: BucketKey, { state, directory }: Where): Promise<string | undefined> {
  const bucket = await Bucket.open(placeOf(state, directory), key);
  const name = `${PROBE_PREFIX}of-the-key`;
  try {
    await bucket.list("");
    await bucket.write(name, Buffer.from("{}"));
    await bucket.remove(name);
    return undefined;
  } catch (error) {
    if (error instanceof BucketError && NOT_YET.includes(error.code)) return error.message;
    throw error;
  }
}

const NO_LOCKFILE =
  "the lock file in the bucket is off (state.lockfile): the concurrency groups of CI are the only lock, so deploy from there only, or from one machine at a time";

/** Tries whether the store can keep a lock, and sets the configuration accordingly. */
async function settleLocking(key: BucketKey, context: PrepareContext): Promise<void> {
  const { state, directory, tell, switchLockfileOff, signal } = context;
  signal.throwIfAborted();
  const bucket = await Bucket.open(placeOf(state, directory), key, { attempts: 1 });
  const obstacle = await untilKeyWorks(context, () => lockObstacle(bucket));
  if (obstacle === undefined && state.lockfile) {
    tell({
      check: "locking",
      status: "ok",
      message: "conditional writes work: Terraform locks each state with a file in the bucket",
    });
    return;
  }
  if (obstacle === undefined) {
    tell({
      check: "locking",
      status: "warning",
      message: 'conditional writes work in this bucket, and the configuration has "lockfile": false',
      fix: 'remove "lockfile" from state, so that Terraform locks the states',
    });
    return;
  }
  if (state.lockfile) switchLockfileOff();
  tell({
    check: "locking",
    status: state.lockfile ? "changed" : "warning",
    message: `Terraform can't lock states in this bucket, since ${obstacle}: ${
      state.lockfile ? '"lockfile": false is in the configuration now, and ' : ""
    }${NO_LOCKFILE}`,
  });
}

/** Repeats what a new key can't do yet. */
async function untilKeyWorks<T>(context: PrepareContext, work: () => Promise<T>): Promise<T> {
  const { signal, keyLimitMs = KEY_LIMIT_MS } = context;
  const limit = Date.now() + keyLimitMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const mayCome = error instanceof BucketError && NOT_YET.includes(error.code);
      if (!mayCome || Date.now() > limit) throw error;
    }
    signal.throwIfAborted();
    await new Promise((proceed) => setTimeout(proceed, BETWEEN_TRIES_MS));
  }
}
