import http, { type IncomingHttpHeaders } from "node:http";
import https from "node:https";
import {
  askedDelay,
  backoff,
  isMomentary,
  isMomentaryError,
  RETRY_LIMITS,
  type RetryLimits,
} from "./retry-policy";

/** A call of an HTTP API. */
export interface ApiRequest {
  /** What people know the service as, such as `DigitalOcean`. */
  readonly service: string;
  readonly url: string;
  /** Default: GET. */
  readonly method?: "GET" | "HEAD" | "PUT" | "DELETE" | "POST" | "PATCH";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as bearer token, and never part of a message. */
  readonly token?: string;
  /** A POST or PATCH that does no harm when it is carried out twice. GET, HEAD, PUT and DELETE never do. */
  readonly repeatable?: boolean;
  /** Takes a line for people when the wait is long enough to be noticed. Default: standard error. */
  readonly onWait?: (line: string) => void;
  readonly limits?: RetryLimits;
}

export interface ApiAnswer {
  readonly status: number;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Thrown when a service can't be asked: it is not reached, or asks to wait longer than a command does. */
export class ApiUnavailable extends Error {
  constructor(
    readonly service: string,
    readonly url: string,
    readonly reason: string,
    advice: string,
  ) {
    super(`${service} can't be reached (${url}): ${reason}. ${advice}`);
    this.name = "ApiUnavailable";
  }
}

/** A shorter wait is over before anybody wonders. */
const NOTICED_MS = 2000;
const SAFE = ["GET", "HEAD", "PUT", "DELETE"];

type Attempt =
  | { readonly answer: ApiAnswer; readonly error?: undefined }
  | { readonly error: NodeJS.ErrnoException; readonly answer?: undefined };

/**
 * Calls an API, and calls it again when it fails for the moment: 429, 500, 502, 503, 504, GitHub's 403 for a limit that is used
 * up, a connection that breaks, no answer in time. It waits as long as the server asks, else longer each time,
 * within {@link RETRY_LIMITS}. A POST is repeated only where it was not carried out, or says that it may be. Redirects are not
 * followed, since the token is for one host.
 *
 * It uses Node's plain client: `fetch` and undici take 30 to 50 ms to load, which every deploy would pay.
 * @returns the last answer, whatever its status
 * @throws ApiUnavailable when there is no answer, or the server asks to wait longer than the limit
 */
export async function callApi(request: ApiRequest): Promise<ApiAnswer> {
  const limits = request.limits ?? RETRY_LIMITS;
  const begun = Date.now();
  for (let attempt = 1; ; attempt++) {
    const tried = await once(request, limits.attemptMs);
    const { answer, error } = tried;
    if (answer && answer.status < 400) return answer;
    const asked = answer && askedDelay(answer.status, answer.headers);
    const again = mayRepeat(request, tried);
    if (again && asked !== undefined && asked > limits.longestDelayMs)
      throw tooLong(request, answer as ApiAnswer, asked);
    const delay = asked ?? backoff(attempt + 1, limits);
    if (!again || attempt >= limits.attempts || Date.now() - begun + delay > limits.totalMs) {
      if (answer) return answer;
      throw new ApiUnavailable(
        request.service,
        withoutToken(request.url, request.token),
        withoutToken(error?.message || String(error?.code), request.token) +
          (attempt > 1 ? ` (tried ${attempt} times)` : ""),
        "Check the network and try again.",
      );
    }
    if (delay >= NOTICED_MS) tell(request, waitLine(request.service, delay, tried, asked !== undefined));
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

/** Whether another attempt can end better, and does no harm when this one was carried out without our knowing. */
function mayRepeat({ method = "GET", repeatable }: ApiRequest, { answer, error }: Attempt): boolean {
  const outcome = answer ? isMomentary(answer.status, answer.headers) : isMomentaryError(error as Error);
  return outcome === "not carried out" || (outcome === "unknown" && (repeatable || SAFE.includes(method)));
}

function tooLong({ service, url, token }: ApiRequest, { status }: ApiAnswer, delay: number): ApiUnavailable {
  const until = new Date(Date.now() + delay);
  const time = until.toISOString().slice(11, 16);
  return new ApiUnavailable(
    service,
    withoutToken(url, token),
    `${status}, it takes no more requests for ${Math.ceil(delay / 60_000)} min`,
    `Try again after ${time} UTC.`,
  );
}

function waitLine(service: string, delay: number, { answer, error }: Attempt, asked: boolean): string {
  const seconds = Math.ceil(delay / 1000);
  if (asked) return `${service} asks to wait ${seconds} s (${answer?.status})`;
  const what = answer ? `answers ${answer.status}` : `doesn't answer (${error?.message || error?.code})`;
  return `${service} ${what}: trying again in ${seconds} s`;
}

function tell({ onWait, token }: ApiRequest, line: string): void {
  const text = withoutToken(line, token);
  if (onWait) onWait(text);
  else process.stderr.write(`${text}\n`);
}

/** No message has the token in it, whoever wrote the message. */
function withoutToken(text: string, token: string | undefined): string {
  return token ? text.replaceAll(token, "***").replaceAll(encodeURIComponent(token), "***") : text;
}

function once(
  { url, method = "GET", headers, body, token }: ApiRequest,
  timeoutMs: number,
): Promise<Attempt> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve) => {
    const failed = (error: Error): void => resolve({ error });
    const options = {
      method,
      headers: {
        "user-agent": "hybrid-gitops",
        accept: "application/json",
        ...headers,
        ...(payload === undefined
          ? {}
          : { "content-type": "application/json", "content-length": String(Buffer.byteLength(payload)) }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      agent: false as const,
    };
    let timer: NodeJS.Timeout | undefined;
    try {
      const request = (url.startsWith("http:") ? http : https).request(url, options, (response) => {
        const parts: Buffer[] = [];
        response
          .on("data", (part: Buffer) => parts.push(part))
          .once("error", failed)
          .once("end", () => {
            const text = Buffer.concat(parts).toString("utf8");
            resolve({
              answer: { status: response.statusCode ?? 0, url, headers: response.headers, body: text },
            });
          });
      });
      request.once("error", failed).once("close", () => clearTimeout(timer));
      // Of the whole attempt: a server that sends a byte now and then would never be idle.
      timer = setTimeout(
        () =>
          request.destroy(
            Object.assign(new Error(`no answer within ${timeoutMs / 1000} s`), { code: "ETIMEDOUT" }),
          ),
        timeoutMs,
      );
      request.end(payload);
    } catch (error) {
      // An address or a header that can't be sent.
      failed(error as Error);
    }
  });
}
