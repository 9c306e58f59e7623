import { ProxyError } from "../../api-client";
import { npmRunIn, shownPath } from "../../place";

/** What a store of buckets refused, in words; `code` is its own name for that. */
export class BucketError extends Error {
  constructor(
    readonly code: string,
    readonly status: number | undefined,
    message: string,
    cause: unknown,
  ) {
    super(message, { cause });
    this.name = "BucketError";
  }
}

/** What an error of the S3 client has; a connection that failed has neither status nor S3 code. */
interface S3Failure {
  readonly name?: string;
  readonly code?: string;
  readonly Code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const prepare = (directory: string): string => npmRunIn(directory, "state", "prepare");

/** Codes of S3 and of connections, with what they mean here and the way out. Source: S3's list of error responses. */
const REASONS: Readonly<Record<string, string | ((directory: string) => string)>> = {
  InvalidAccessKeyId: (directory) =>
    `the store doesn't know the key SPACES_ACCESS_KEY_ID: it was deleted, or belongs to another account. ${prepare(directory)} makes a new one`,
  SignatureDoesNotMatch: (directory) =>
    `SPACES_SECRET_ACCESS_KEY doesn't belong to SPACES_ACCESS_KEY_ID. Put both halves of one key into ${shownPath(directory, ".env")}; ${prepare(directory)} makes a new one`,
  AccessDenied: (directory) =>
    `the key SPACES_ACCESS_KEY_ID may not do that: the bucket belongs to another account, or the key is for another bucket. Use a key with read and write access to this bucket; ${prepare(directory)} makes one`,
  NoSuchBucket: (directory) =>
    `there is no such bucket. Correct state.bucket and state.region in the configuration; ${prepare(directory)} makes the bucket`,
  PreconditionFailed: "somebody else has written it meanwhile. Run the command again",
  ConditionalRequestConflict: "somebody else is writing it at this moment. Run the command again",
  SlowDown: "the store asks for fewer requests. Try again in a minute",
  ServiceUnavailable: "the store has a problem of its own. Try again in a minute",
  InternalError: "the store has a problem of its own. Try again in a minute",
  RequestTimeTooSkewed: "the clock of this machine is wrong. Set it, and try again",
  QuotaExceeded:
    "the account's quota is used up. Make room, or raise it at cloud.digitalocean.com, and try again",
  NotImplemented: "this store doesn't have that function",
  ENOTFOUND: "its address can't be resolved. Is there a network, and is state.region right?",
  EAI_AGAIN: "its address can't be resolved at the moment. Is there a network?",
  ECONNREFUSED: "nothing listens at its address. Is state.endpoint right, and is the store running?",
  ECONNRESET: "the connection was cut off. Try again",
  EPIPE: "the connection was cut off. Try again",
  TimeoutError: "it didn't answer in time. Try again",
  ETIMEDOUT: "it didn't answer in time. Try again",
};

/** A status without a code: answers to HEAD have no body that could name one. */
const BY_STATUS: Readonly<Record<number, string>> = {
  403: "AccessDenied",
  404: "NoSuchBucket",
  412: "PreconditionFailed",
  501: "NotImplemented",
  503: "ServiceUnavailable",
};

/**
 * An error of the S3 client in words.
 * @param place what people know the bucket as
 * @param what what couldn't be done, such as `staging-cluster.tfstate can't be read`
 * @param directory the workspace's, for the commands in the message
 */
export function bucketError(place: string, what: string, error: unknown, directory = ""): BucketError {
  if (error instanceof BucketError) return error;
  if (error instanceof ProxyError)
    return new BucketError(
      "ProxyError",
      undefined,
      `${place}: ${what}: ${error.message}. ${error.advice}`,
      error,
    );
  const failure = error as S3Failure;
  const status = failure.$metadata?.httpStatusCode;
  const code = codeOf(failure);
  const known = REASONS[code];
  const reason =
    (typeof known === "function" ? known(directory) : known) ??
    `${failure.message ?? code}${status ? ` (${code}, status ${status})` : ""}`;
  return new BucketError(
    code,
    status,
    `${place}: ${what}: ${reason.replace(/[.?]?$/, (end) => end || ".")}`,
    error,
  );
}

/** What the client calls an answer without a code of its own. */
const NAMELESS = ["NotFound", "Unknown", "UnknownError", "Forbidden", "Error"];

function codeOf(failure: S3Failure): string {
  const { name, code, Code, $metadata } = failure;
  const known = namesOf(failure).find((one) => one in REASONS);
  const own = Code ?? code ?? name ?? "Unknown";
  const nameless = NAMELESS.includes(own) || /^\d+$/.test(own);
  return known ?? (nameless ? (BY_STATUS[$metadata?.httpStatusCode ?? 0] ?? own) : own);
}

/** The client may wrap errors of the connection; their code then stands in the message alone. */
function namesOf({ name, code, Code, message = "" }: S3Failure): string[] {
  const inMessage = /\b(?:E[A-Z]{4,}|EAI_AGAIN)\b/.exec(message) ?? [];
  return [Code, code, name, ...inMessage].filter((one) => one !== undefined);
}
