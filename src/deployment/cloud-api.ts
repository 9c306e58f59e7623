import { type ApiAnswer, callApi } from "../api-client";
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
  return all("DigitalOcean", `${digitalOceanBase(variables)}/v2/${path}?per_page=200`, {
    token: digitalOceanToken(variables),
    list,
  });
}

/**
 * One object of DigitalOcean's API; undefined where there is none (404).
 * @throws ApiUnavailable, or an Error with what the cloud answered
 */
export function digitalOceanObject<Answer>(path: string, variables: Variables): Promise<Answer | undefined> {
  return one(
    "DigitalOcean",
    `${digitalOceanBase(variables)}/v2/${path}`,
    digitalOceanToken(variables),
  ) as Promise<Answer | undefined>;
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
  return all("GitHub", `${gitHubBase(variables)}repos/${repository}/${path}?per_page=100`, {
    token: variables.GITHUB_TOKEN,
    list,
  });
}

/**
 * A GitHub repository, or an object in it; undefined where there is none (404).
 * @param path below /repos/, such as `acme/platform`
 * @throws ApiUnavailable, or an Error with what GitHub answered
 */
export function gitHubObject<Answer>(path: string, variables: Variables): Promise<Answer | undefined> {
  return one("GitHub", `${gitHubBase(variables)}repos/${path}`, variables.GITHUB_TOKEN) as Promise<
    Answer | undefined
  >;
}

/**
 * Deletes an object in a GitHub repository. One that is gone already is no error.
 * @param path below /repos/
 * @throws ApiUnavailable, or an Error with what GitHub answered
 */
export async function gitHubDelete(path: string, variables: Variables): Promise<void> {
  const answer = await callApi({
    service: "GitHub",
    url: `${gitHubBase(variables)}repos/${path}`,
    method: "DELETE",
    token: variables.GITHUB_TOKEN,
  });
  if (answer.status !== 404 && answer.status >= 300) throw refusal("GitHub", answer);
}

/** Whether there is a token for DigitalOcean's API. */
export function hasDigitalOceanToken(variables: Variables): boolean {
  return Boolean(digitalOceanToken(variables));
}

const digitalOceanBase = ({ DIGITALOCEAN_API_URL }: Variables): string =>
  (DIGITALOCEAN_API_URL || "https://api.digitalocean.com").replace(/\/*$/, "");

const digitalOceanToken = (variables: Variables): string | undefined =>
  variables.DIGITALOCEAN_TOKEN || variables.DIGITALOCEAN_ACCESS_TOKEN;

const gitHubBase = ({ GITHUB_BASE_URL }: Variables): string =>
  (GITHUB_BASE_URL || "https://api.github.com/").replace(/\/*$/, "/");

/** What an answer that is no answer means. */
const REASONS: Readonly<Record<number, string>> = {
  401: "it does not know the token: it is wrong, revoked or expired. Make a new one (docs/credentials.md)",
  403: "the token may not read this: give it the scopes in docs/credentials.md",
};

function refusal(service: string, { status, url }: ApiAnswer): Error {
  const reason = REASONS[status] ?? "check what its token may do, and try again";
  return new Error(`${service} answers ${status} to ${url}: ${reason}`);
}

async function one(service: string, url: string, token: string | undefined): Promise<unknown> {
  const answer = await callApi({ service, url, token });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refusal(service, answer);
  return JSON.parse(answer.body);
}

/** All pages of a list. */
async function all(
  service: string,
  first: string,
  { token, list }: { readonly token: string | undefined; readonly list: string | undefined },
): Promise<List> {
  const objects: Listed[] = [];
  let clockAheadMs = 0;
  for (let url: string | undefined = first; url !== undefined; ) {
    const answer = await callApi({ service, url, token });
    if (answer.status !== 200) throw refusal(service, answer);
    const now = Date.parse(answer.headers.date ?? "");
    if (!Number.isNaN(now)) clockAheadMs = now - Date.now();
    const body = JSON.parse(answer.body) as Record<string, unknown> & {
      links?: { pages?: { next?: string } };
    };
    objects.push(...((list === undefined ? body : body[list]) as Listed[]));
    const linked = /<([^>]+)>;\s*rel="next"/.exec(String(answer.headers.link ?? ""))?.[1];
    const next: string | undefined = linked ?? body.links?.pages?.next;
    // The token is for the host that was asked first.
    url = next && new URL(next).origin === new URL(first).origin ? next : undefined;
  }
  return { objects, clockAheadMs };
}
