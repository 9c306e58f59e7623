import { digitalOceanApi, digitalOceanToken } from "./addresses";
import { type ApiAnswer, callApi } from "./call";

type Variables = Readonly<Record<string, string | undefined>>;

export interface ListRequest {
  readonly service: string;
  /** The first page. */
  readonly url: string;
  readonly token: string | undefined;
  /** The key of the list in each page; absent where a page is the list. */
  readonly list?: string;
  /** Takes each page's answer. */
  readonly onAnswer?: (answer: ApiAnswer) => void;
}

/** What an answer that is no answer means. */
const REASONS: Readonly<Record<number, string>> = {
  301: "it was renamed or transferred: put its new name into the configuration",
  401: "it does not know the token, which is wrong, revoked or expired: make a new one (docs/credentials.md)",
  403: "the token may not do this: give it the scopes in docs/credentials.md",
};

/** The error for an answer that is none, with what to do. */
export function refusal(service: string, { status, url }: Pick<ApiAnswer, "status" | "url">): Error {
  const reason = REASONS[status] ?? "check what its token may do, and try again";
  return new Error(`${service} answers ${status} to ${url}: ${reason}`);
}

/**
 * Every page of a list.
 * @throws ApiUnavailable, or an Error with what the service answered
 */
export async function listAll<Listed>({
  service,
  url: first,
  token,
  list,
  onAnswer,
}: ListRequest): Promise<Listed[]> {
  const found: Listed[] = [];
  for (let url: string | undefined = first; url !== undefined; ) {
    const answer = await callApi({ service, url, token });
    if (answer.status !== 200) throw refusal(service, answer);
    onAnswer?.(answer);
    const body = JSON.parse(answer.body) as Record<string, unknown> & {
      links?: { pages?: { next?: string } };
    };
    found.push(...((list === undefined ? body : body[list]) as Listed[]));
    const linked = /<([^>]+)>;\s*rel="next"/.exec(String(answer.headers.link ?? ""))?.[1];
    const next: string | undefined = linked ?? body.links?.pages?.next;
    // The token is for the host that was asked first.
    url = next && new URL(next).origin === new URL(first).origin ? next : undefined;
  }
  return found;
}

/**
 * Every page of a list of the DigitalOcean account, such as `vpcs` or `kubernetes/clusters`.
 * @throws ApiUnavailable, or an Error with what DigitalOcean answered
 */
export function listDigitalOcean<Listed>(
  path: string,
  list: string,
  variables: Variables,
  onAnswer?: ListRequest["onAnswer"],
): Promise<Listed[]> {
  return listAll({
    service: "DigitalOcean",
    url: `${digitalOceanApi(variables)}/v2/${path}?per_page=200`,
    token: digitalOceanToken(variables),
    list,
    onAnswer,
  });
}
