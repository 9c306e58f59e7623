import { type ApiAnswer, callApi, digitalOceanApi, digitalOceanToken } from "../../api-client";
import { isLoopback, type SpacesBackend } from "../../config";
import { shownPath } from "../../place";
import type { Variables } from "../../terraform";
import type { BucketKey } from "./bucket";

/** What a key may do. `fullaccess` goes with an empty bucket name and means every bucket of the account, and making new ones. */
export interface Grant {
  readonly bucket: string;
  readonly permission: "read" | "readwrite" | "fullaccess";
}

/** A key as DigitalOcean lists it: without its secret, which is told once only. */
export interface ListedKey {
  readonly name: string;
  readonly access_key: string;
  readonly grants?: readonly Grant[];
}

/** The account's keys for Spaces. */
export interface SpacesKeys {
  list(name: string): Promise<readonly ListedKey[]>;
  create(name: string, grants: readonly Grant[]): Promise<BucketKey>;
  remove(id: string): Promise<void>;
}

/**
 * What makes keys for a bucket: DigitalOcean, for a bucket in Spaces. On this machine an S3 store and a DigitalOcean API that stand in for
 * them go together. Undefined for any other store.
 * @param directory the workspace's, for the file in the message; default: the checkout
 * @throws Error when there is no token
 */
export function keysOf(
  { endpoint, ownEndpoint }: SpacesBackend,
  variables: Variables,
  directory = "",
): SpacesKeys | undefined {
  const isSpaces = new URL(endpoint).hostname.endsWith(".digitaloceanspaces.com");
  const isPlayed = isLoopback(endpoint) && isLoopback(variables.DIGITALOCEAN_API_URL ?? "");
  return !ownEndpoint || isSpaces || isPlayed ? new DigitalOceanKeys(variables, directory) : undefined;
}

const PER_PAGE = 200;
/** DigitalOcean's limit of keys per account is 200 (docs.digitalocean.com/products/spaces/details/limits). */
const MOST_PAGES = 10;

/**
 * DigitalOcean's API for the keys of Spaces (docs.digitalocean.com/reference/api/reference/spaces-keys). It needs the scopes
 * spaces_key:read, spaces_key:create_credentials and spaces_key:delete.
 */
export class DigitalOceanKeys implements SpacesKeys {
  private readonly address: string;
  private readonly token: string;

  /**
   * @param directory the workspace's, for the file in the message
   * @throws Error when there is no token
   */
  constructor(variables: Variables, directory = "") {
    const token = digitalOceanToken(variables);
    if (!token)
      throw new Error(
        `DIGITALOCEAN_TOKEN is not set: keys for the bucket are made with it. Put it into ${shownPath(directory, ".env")} or the environment.`,
      );
    this.address = `${digitalOceanApi(variables)}/v2/spaces/keys`;
    this.token = token;
  }

  async list(name: string): Promise<readonly ListedKey[]> {
    const found: ListedKey[] = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const query = new URLSearchParams({ name, per_page: String(PER_PAGE), page: String(page) });
      const answer = await this.ask("GET", `?${query}`, "list the keys for Spaces");
      const { keys = [] } = answer as { keys?: readonly ListedKey[] };
      // The filter is asked for, and not relied on: a key of another name is never touched.
      found.push(...keys.filter((key) => key.name === name));
      if (keys.length < PER_PAGE) break;
    }
    return found;
  }

  async create(name: string, grants: readonly Grant[]): Promise<BucketKey> {
    const answer = await this.ask("POST", "", "make a key for Spaces", { name, grants });
    const { access_key, secret_key } = (answer as { key?: Record<string, unknown> }).key ?? {};
    if (typeof access_key !== "string" || typeof secret_key !== "string")
      throw new Error("DigitalOcean made a key for Spaces and didn't say which: try again.");
    return { id: access_key, secret: secret_key };
  }

  /** A key that isn't there is no error. */
  async remove(id: string): Promise<void> {
    await this.ask("DELETE", `/${encodeURIComponent(id)}`, `delete the key ${id}`);
  }

  private async ask(
    method: "GET" | "POST" | "DELETE",
    path: string,
    what: string,
    body?: unknown,
  ): Promise<unknown> {
    const url = `${this.address}${path}`;
    const answer = await callApi({ service: "DigitalOcean", url, method, body, token: this.token });
    if (answer.status === 404 && method === "DELETE") return {};
    if (answer.status < 200 || answer.status >= 300)
      throw new Error(`DigitalOcean can't be asked to ${what}: ${refusal(answer)}`);
    return answer.body === "" ? {} : JSON.parse(answer.body);
  }
}

function refusal({ status, body }: ApiAnswer): string {
  switch (status) {
    case 401:
      return "DIGITALOCEAN_TOKEN is not valid (expired, revoked or mistyped). Make a new one at cloud.digitalocean.com/account/api/tokens";
    case 403:
      return "DIGITALOCEAN_TOKEN may not do that. Give it the scope spaces_key at cloud.digitalocean.com/account/api/tokens, or full access";
    case 429:
      return "too many requests (429). Try again later";
  }
  return `it answered ${status}${message(body)}. Try again later`;
}

/** What DigitalOcean says of it, in brackets; a proxy's page says nothing. */
function message(body: string): string {
  try {
    const { message: text } = JSON.parse(body) as { message?: string };
    return text ? ` (${text})` : "";
  } catch {
    return "";
  }
}
