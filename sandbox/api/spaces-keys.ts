import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { blocks, text, type Value, type Values } from "../protocol/values";
import { timestamp } from "../providers/computed";
import type { DigitalOceanCloud } from "../providers/digitalocean/cloud";

/** Where the cloud's file has them: beside those of the resource `digitalocean_spaces_key`. */
const KEYS = "digitalocean_spaces_key";
const PERMISSIONS = ["read", "readwrite", "fullaccess"];
/** More than any request for a key has. */
const MOST_BYTES = 64 * 1024;

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

const NOT_FOUND: Answer = {
  status: 404,
  body: { id: "not_found", message: "The resource you were accessing could not be found." },
};

/**
 * `/v2/spaces/keys`: list, create and delete. The secret is in the answer to a creation, and in the cloud's file, from which an S3 server
 * of a test can learn it.
 * @param id what stands behind the path's last slash
 */
export async function spacesKeys(
  cloud: DigitalOceanCloud,
  request: IncomingMessage,
  id: string | undefined,
): Promise<Answer> {
  if (request.method === "GET" && id === undefined) return list(cloud, request.url ?? "/");
  if (request.method === "POST" && id === undefined) return create(cloud, await readBody(request));
  if (request.method === "DELETE" && id !== undefined) return remove(cloud, id);
  return NOT_FOUND;
}

function list(cloud: DigitalOceanCloud, url: string): Answer {
  const query = new URL(url, "http://127.0.0.1").searchParams;
  const name = query.get("name");
  const keys = Object.entries(cloud.objects(KEYS))
    .filter(([, key]) => name === null || key.name === name)
    .map(([id, key]) => shown(id, key));
  const [perPage, page] = [Number(query.get("per_page")) || 20, Number(query.get("page")) || 1];
  return {
    status: 200,
    body: {
      keys: keys.slice((page - 1) * perPage, page * perPage),
      links: {},
      meta: { total: keys.length },
    },
  };
}

function create(cloud: DigitalOceanCloud, { name, grants = [] }: Values): Answer {
  const wanted = blocks(grants);
  const valid =
    text(name) &&
    wanted.every(
      ({ bucket, permission }) =>
        PERMISSIONS.includes(text(permission) ?? "") && (permission === "fullaccess") === !text(bucket),
    );
  if (!valid)
    return {
      status: 400,
      body: { id: "bad_request", message: "a key needs a name, and grants of a bucket and a permission" },
    };
  const id = `DO00${randomBytes(8).toString("hex").toUpperCase()}`;
  const key = {
    name: name as Value,
    grant: wanted,
    access_key: id,
    secret_key: randomBytes(32).toString("base64url"),
    created_at: timestamp(),
  };
  cloud.update((account) => account.put(KEYS, id, key));
  return { status: 201, body: { key: { ...shown(id, key), secret_key: key.secret_key } } };
}

function remove(cloud: DigitalOceanCloud, id: string): Answer {
  if (cloud.object(KEYS, id) === undefined) return NOT_FOUND;
  cloud.update((account) => account.remove(KEYS, id));
  return { status: 204 };
}

function shown(id: string, { name = "", grant = [], created_at = "" }: Values) {
  return { name, access_key: id, grants: grant, created_at };
}

async function readBody(request: IncomingMessage): Promise<Values> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > MOST_BYTES) return {};
    parts.push(part as Buffer);
  }
  try {
    const body = JSON.parse(Buffer.concat(parts).toString("utf8")) as unknown;
    return typeof body === "object" && body !== null ? (body as Values) : {};
  } catch {
    return {};
  }
}
