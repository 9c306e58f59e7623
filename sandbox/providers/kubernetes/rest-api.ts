import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { JsonObject } from "../../clouds/cloud-file";
import { ProviderError } from "../../protocol/diagnostics";
import { ApplyConflict, type KubernetesApi, type Manifest, type Place } from "./api";
import { apiPath, type Kind } from "./kinds";

/** How to reach a real Kubernetes API. */
export interface ApiAddress {
  /** Such as `https://127.0.0.1:6443`. */
  readonly server: string;
  readonly token: string;
  /** Certificate authority in PEM form; left out for http and for certificates that the system knows. */
  readonly ca?: string;
}

interface Answer {
  readonly status: number;
  readonly body: JsonObject;
}

const NOT_FOUND = 404;
const CONFLICT = 409;
const FIRST_ERROR = 400;
const TIMEOUT_MS = 30_000;
/** How the real provider's client calls itself. */
const MANAGER = "HashiCorp";

const VERBS: Readonly<Record<string, string>> = {
  GET: "Get",
  POST: "Post",
  PUT: "Put",
  PATCH: "Patch",
  DELETE: "Delete",
};

function parse(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    // A proxy's page, say: its text is the message.
    return { message: text.trim() };
  }
}

/** A real Kubernetes API over HTTP: the same calls as those of the provider, its errors in the API's own words. */
export class RestApi implements KubernetesApi {
  constructor(private readonly address: ApiAddress) {}

  async get({ kind, namespace, name }: Place): Promise<Manifest | undefined> {
    const { status, body } = await this.send("GET", apiPath(kind, namespace, name));
    return status === NOT_FOUND ? undefined : manifestOf(status, body);
  }

  async list(kind: Kind): Promise<Manifest[]> {
    const { status, body } = await this.send("GET", apiPath(kind, undefined));
    const { items } = manifestOf(status, body);
    return (items ?? []) as Manifest[];
  }

  async create(kind: Kind, manifest: Manifest): Promise<Manifest> {
    const path = apiPath(kind, manifest.metadata.namespace as string | undefined);
    const { status, body } = await this.send("POST", `${path}?fieldManager=${MANAGER}`, manifest);
    return manifestOf(status, body);
  }

  async replace(kind: Kind, manifest: Manifest): Promise<Manifest> {
    const { status, body } = await this.send(
      "PUT",
      `${pathOf(kind, manifest)}?fieldManager=${MANAGER}`,
      manifest,
    );
    return manifestOf(status, body);
  }

  async apply(kind: Kind, manifest: Manifest, manager: string, force: boolean): Promise<Manifest> {
    const query = `fieldManager=${encodeURIComponent(manager)}&force=${force}`;
    const path = `${pathOf(kind, manifest)}?${query}`;
    const { status, body } = await this.send("PATCH", path, manifest, "application/apply-patch+yaml");
    if (status === CONFLICT) throw new ApplyConflict(String(body.message));
    return manifestOf(status, body);
  }

  /** Returns when the API has taken the request: a namespace can still be terminating then. */
  async remove({ kind, namespace, name }: Place): Promise<void> {
    const { status, body } = await this.send("DELETE", apiPath(kind, namespace, name));
    if (status !== NOT_FOUND) manifestOf(status, body);
  }

  async version(): Promise<Record<string, string>> {
    const { status, body } = await this.send("GET", "/version");
    return manifestOf(status, body) as unknown as Record<string, string>;
  }

  private send(
    method: string,
    path: string,
    content?: JsonObject,
    contentType = "application/json",
  ): Promise<Answer> {
    const url = new URL(path, this.address.server);
    const request = url.protocol === "http:" ? httpRequest : httpsRequest;
    return new Promise((resolve, reject) => {
      const outgoing = request(
        url,
        {
          method,
          timeout: TIMEOUT_MS,
          headers: {
            accept: "application/json",
            authorization: `Bearer ${this.address.token}`,
            ...(content ? { "content-type": contentType } : {}),
          },
          ...(this.address.ca ? { ca: this.address.ca } : {}),
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
          incoming.on("error", reject);
          incoming.on("end", () =>
            resolve({
              status: incoming.statusCode ?? 0,
              body: parse(Buffer.concat(chunks).toString("utf8")),
            }),
          );
        },
      );
      outgoing.on("timeout", () => outgoing.destroy(new Error("context deadline exceeded")));
      outgoing.on("error", (error) => reject(unreachable(method, url, error)));
      outgoing.end(content ? JSON.stringify(content) : undefined);
    });
  }
}

const pathOf = (kind: Kind, { metadata }: Manifest): string =>
  apiPath(kind, metadata.namespace as string | undefined, metadata.name);

function manifestOf(status: number, body: JsonObject): Manifest {
  if (status < FIRST_ERROR) return body as Manifest;
  throw new ProviderError(String(body.message ?? `the server answered with status ${status}`));
}

function unreachable(method: string, url: URL, error: NodeJS.ErrnoException): ProviderError {
  const refused = error.code === "ECONNREFUSED";
  const reason = refused ? `dial tcp ${url.host}: connect: connection refused` : error.message;
  return new ProviderError(`${VERBS[method] ?? method} "${url.href}": ${reason}`);
}
