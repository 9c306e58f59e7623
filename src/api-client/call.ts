import http, {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import https from "node:https";
import {
  type HttpProxy,
  ProxyError,
  proxyFor,
  proxyHeaders,
  refusedByProxy,
  unreachableProxy,
} from "./proxy";
import {
  askedDelay,
  backoff,
  isMomentary,
  isMomentaryError,
  RETRY_LIMITS,
  type RetryLimits,
} from "./retry-policy";
import { TunnelAgent } from "./tunnel-agent";

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
    /** The error of the connection, where there was one. */
    cause?: NodeJS.ErrnoException,
  ) {
    super(`${service} can't be reached (${url}): ${reason}. ${advice}`, { cause });
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
 * It goes through the proxy that HTTPS_PROXY and its like name (see {@link proxyFor}).
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
        error instanceof ProxyError ? error.advice : "Check the network and try again.",
        error,
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

async function once(request: ApiRequest, timeoutMs: number): Promise<Attempt> {
  try {
    const proxy = proxyFor(request.url);
    const answer = await send(request, timeoutMs, proxy);
    // Only a proxy answers so; one that makes a tunnel is heard by its agent.
    return proxy && answer.status === 407 ? { error: refusedByProxy(proxy, answer.status) } : { answer };
  } catch (error) {
    return { error: error as Error };
  }
}

function send(
  { url, method = "GET", headers, body, token }: ApiRequest,
  timeoutMs: number,
  proxy: HttpProxy | undefined,
): Promise<ApiAnswer> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
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
  const isPlain = url.startsWith("http:");
  return new Promise((resolve, reject) => {
    // An address or a header that can't be sent is thrown here.
    const request = requestBy(proxy, url, options, (response) => {
      const parts: Buffer[] = [];
      response
        .on("data", (part: Buffer) => parts.push(part))
        .once("error", reject)
        .once("end", () => {
          const text = Buffer.concat(parts).toString("utf8");
          resolve({ status: response.statusCode ?? 0, url, headers: response.headers, body: text });
        });
    });
    // Of the whole attempt: a server that sends a byte now and then would never be idle.
    const timer = setTimeout(
      () =>
        request.destroy(
          Object.assign(new Error(`no answer within ${timeoutMs / 1000} s`), { code: "ETIMEDOUT" }),
        ),
      timeoutMs,
    );
    request
      .once("error", (error) => reject(proxy && isPlain ? unreachableProxy(proxy, error) : error))
      .once("close", () => clearTimeout(timer));
    request.end(payload);
  });
}

/** Directly, through a tunnel, or for an http server by asking the proxy for it. */
function requestBy(
  proxy: HttpProxy | undefined,
  url: string,
  options: RequestOptions,
  onAnswer: (answer: IncomingMessage) => void,
): ClientRequest {
  if (!url.startsWith("http:"))
    return https.request(url, proxy ? { ...options, agent: new TunnelAgent(proxy) } : options, onAnswer);
  if (proxy === undefined) return http.request(url, options, onAnswer);
  const headers = { ...options.headers, host: new URL(url).host, ...proxyHeaders(proxy) };
  const client = proxy.address.protocol === "https:" ? https : http;
  const { protocol, hostname, port } = proxy.address;
  return client.request({ ...options, protocol, hostname, port, path: url, headers }, onAnswer);
}
