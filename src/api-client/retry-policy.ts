import type { IncomingHttpHeaders } from "node:http";

/** How long, and how often, a call that failed for a moment is tried again. */
export interface RetryLimits {
  /** One attempt may take so long. */
  readonly attemptMs: number;
  /** The first one included. */
  readonly attempts: number;
  /** Before the second attempt, doubled before each further one. */
  readonly firstDelayMs: number;
  /** A server that asks to wait longer is not waited for: the call fails at once and says until when. */
  readonly longestDelayMs: number;
  /** No attempt begins after so long. */
  readonly totalMs: number;
}

export const RETRY_LIMITS: RetryLimits = {
  attemptMs: 15_000,
  attempts: 4,
  firstDelayMs: 500,
  longestDelayMs: 60_000,
  totalMs: 180_000,
};

const TOO_MANY = 429;
const FORBIDDEN = 403;
const AT_THEIR_SIDE = [500, 502, 503, 504];

/**
 * Whether an answer is a refusal for the moment: too many requests, which were not carried out, or trouble at their side, after
 * which it isn't known. GitHub says 403 when its limit is used up. Source: its REST API documentation, "Rate limits".
 */
export function isMomentary(
  status: number,
  headers: IncomingHttpHeaders,
): "not carried out" | "unknown" | undefined {
  const usedUp =
    status === FORBIDDEN &&
    (headers["x-ratelimit-remaining"] === "0" || headers["retry-after"] !== undefined);
  if (status === TOO_MANY || usedUp) return "not carried out";
  return AT_THEIR_SIDE.includes(status) ? "unknown" : undefined;
}

/** A connection that broke. One that can't be made (no network, a wrong address) would not be there a second later either. */
const BROKEN = ["ECONNRESET", "EPIPE", "ETIMEDOUT"];

/** The same for a call that got no answer. */
export function isMomentaryError(error: NodeJS.ErrnoException): "unknown" | undefined {
  return BROKEN.includes(error.code ?? "") ? "unknown" : undefined;
}

/**
 * How long the server asks to wait, in milliseconds: `Retry-After` in seconds or as a date (RFC 9110), else the time at which the
 * rate limit is reset (`ratelimit-reset` of DigitalOcean, `x-ratelimit-reset` of GitHub: seconds since 1970). Undefined when it
 * doesn't say.
 */
export function askedDelay(
  status: number,
  headers: IncomingHttpHeaders,
  now = Date.now(),
): number | undefined {
  const after = headers["retry-after"];
  if (after !== undefined) {
    const delay = /^\d+$/.test(after.trim()) ? Number(after) * 1000 : Date.parse(after) - now;
    if (!Number.isNaN(delay)) return Math.max(0, delay);
  }
  if (isMomentary(status, headers) !== "not carried out") return undefined;
  const reset = Number(headers["x-ratelimit-reset"] ?? headers["ratelimit-reset"]);
  return reset > 0 ? Math.max(0, reset * 1000 - now) : undefined;
}

/** The delay before an attempt (2 is the second): doubled each time, with up to a quarter more, so that not all come at once. */
export function backoff(attempt: number, { firstDelayMs, longestDelayMs }: RetryLimits): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (attempt - 2) * (1 + Math.random() / 4));
}
