import {
  type ApiAnswer,
  callApi,
  digitalOceanApi,
  digitalOceanToken,
  gitHubApi,
  listAll,
  listDigitalOcean,
  refusal,
} from "../api-client";
import type { Variables } from "../terraform";

/** An object of an API's list, as far as it is looked at. */
export interface Listed {
  readonly id: string | number;
  readonly name?: string;
  readonly type?: string;
  readonly key?: string;
  readonly value?: string;
  readonly config?: unknown;
  readonly created_at?: string;
  readonly status?: { readonly state?: string; readonly message?: string };
  readonly nodes?: ReadonlyArray<{
    readonly status?: { readonly state?: string };
    readonly created_at?: string;
  }>;
}

/** A list, and how far the cloud's clock is ahead of this machine's, as the answer's date says. */
export interface List {
  readonly objects: readonly Listed[];
  readonly clockAheadMs: number;
}

/**
 * All pages of a list of DigitalOcean's API.
 * @param path below /v2/, such as `vpcs`
 * @throws ApiUnavailable, or an Error with what the cloud answered
 */
export function digitalOceanList(path: string, list: string, variables: Variables): Promise<List> {
  return withClock((onAnswer) => listDigitalOcean<Listed>(path, list, variables, onAnswer));
}

/**
 * All pages of a list of a GitHub repository.
 * @param path below /repos/<owner>/<name>/
 * @param list the key of the list in its object; undefined where the answer is the list
 * @throws ApiUnavailable, or an Error with what GitHub answered
 */
export function gitHubList(
  repository: string,
  path: string,
  list: string | undefined,
  variables: Variables,
): Promise<List> {
  const url = `${gitHubApi(variables)}repos/${repository}/${path}?per_page=100`;
  return withClock((onAnswer) =>
    listAll<Listed>({ service: "GitHub", url, token: variables.GITHUB_TOKEN, list, onAnswer }),
  );
}

async function withClock(
  work: (onAnswer: (answer: ApiAnswer) => void) => Promise<readonly Listed[]>,
): Promise<List> {
  let clockAheadMs = 0;
  const objects = await work(({ headers }) => {
    const now = Date.parse(headers.date ?? "");
    if (!Number.isNaN(now)) clockAheadMs = now - Date.now();
  });
  return { objects, clockAheadMs };
}

/** Whether there is a token for DigitalOcean's API. */
export const hasDigitalOceanToken = (variables: Variables): boolean => Boolean(digitalOceanToken(variables));

/**
 * One object of DigitalOcean's API, such as `account`; undefined where there is none (404).
 * @throws ApiUnavailable, or an Error with what the cloud answered
 */
export function digitalOceanObject<Answer>(path: string, variables: Variables): Promise<Answer | undefined> {
  return one("DigitalOcean", `${digitalOceanApi(variables)}/v2/${path}`, digitalOceanToken(variables));
}

/**
 * A GitHub repository, or an object in it; undefined where there is none (404).
 * @param path below /repos/, such as `acme/platform`
 * @throws ApiUnavailable, or an Error with what GitHub answered
 */
export function gitHubObject<Answer>(path: string, variables: Variables): Promise<Answer | undefined> {
  return one("GitHub", `${gitHubApi(variables)}repos/${path}`, variables.GITHUB_TOKEN);
}

async function one<Answer>(
  service: string,
  url: string,
  token: string | undefined,
): Promise<Answer | undefined> {
  const answer = await callApi({ service, url, token });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refusal(service, answer);
  return JSON.parse(answer.body) as Answer;
}

/**
 * Deletes an object in a GitHub repository. One that is gone already is no error.
 * @param path below /repos/
 * @throws ApiUnavailable, or an Error with what GitHub answered
 */
export async function gitHubDelete(path: string, variables: Variables): Promise<void> {
  const answer = await callApi({
    service: "GitHub",
    url: `${gitHubApi(variables)}repos/${path}`,
    method: "DELETE",
    token: variables.GITHUB_TOKEN,
  });
  if (answer.status !== 404 && answer.status >= 300) throw refusal("GitHub", answer);
}
