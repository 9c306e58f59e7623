import type { IncomingHttpHeaders } from "node:http";
import { ApiUnavailable, callApi, RETRY_LIMITS, type RetryLimits } from "../api-client";

/** A check is not worth a long wait: what fails for the moment is asked once more. */
const LIMITS: RetryLimits = { ...RETRY_LIMITS, attempts: 2, firstDelayMs: 1000, longestDelayMs: 10_000 };

/** What a server says of a token; `obstacle` stands for an answer that says nothing about it. */
export type Answer =
  | { readonly obstacle: string }
  | {
      readonly obstacle?: undefined;
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: string;
    };

/** An API with a token. */
export interface Api {
  get(path: string): Promise<Answer>;
}

/** @param base the API's address, with or without a slash at its end */
export function apiWith(service: string, base: string, token: string): Api {
  return {
    get: async (path) => {
      try {
        const url = `${base.replace(/\/+$/, "")}/${path}`;
        const { status, headers, body } = await callApi({
          service,
          url,
          token,
          limits: LIMITS,
          onWait: () => undefined,
        });
        const trouble = troubleOf(status, headers);
        return trouble === undefined ? { status, headers, body } : { obstacle: `${service}: ${trouble}` };
      } catch (error) {
        if (!(error instanceof ApiUnavailable)) throw error;
        return { obstacle: `${service}: ${reasonOf(error)}` };
      }
    },
  };
}

function troubleOf(status: number, headers: IncomingHttpHeaders): string | undefined {
  if (status === 429 || (status === 403 && headers["x-ratelimit-remaining"] === "0"))
    return `too many requests (${status}), try again later`;
  return status >= 500 ? `it has a problem of its own (${status}), try again later` : undefined;
}

function reasonOf({ reason, cause }: ApiUnavailable): string {
  const { code = "" } = (cause ?? {}) as NodeJS.ErrnoException;
  if (["ENOTFOUND", "EAI_AGAIN"].includes(code)) return "its address can't be resolved; is there a network?";
  if (code === "ECONNREFUSED") return "no connection";
  if (code === "ETIMEDOUT") return "no answer in time";
  if (/CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(code)) return `no secure connection (${code})`;
  return reason;
}

/** The object in an answer; undefined for anything else. */
export function objectIn<T>(answer: Answer): Partial<T> | undefined {
  if (answer.obstacle !== undefined || answer.status !== 200) return undefined;
  try {
    const value: unknown = JSON.parse(answer.body);
    return typeof value === "object" && value !== null ? (value as Partial<T>) : undefined;
  } catch {
    return undefined;
  }
}
