import type { IncomingMessage, ServerResponse } from "node:http";
import type { KubernetesApi, Manifest } from "../providers/kubernetes/api";
import { KINDS, type Kind, resourceName } from "../providers/kubernetes/kinds";

/** The API of the cluster that a bearer token was issued for; undefined when there is none. */
export type FindByToken = (token: string) => KubernetesApi | undefined;

const VERBS = ["get", "list"] as const;
/** `/api/v1/…`, `/apis/<group>/<version>/…` */
const RESOURCES =
  /^\/(?:api\/v1|apis\/([^/]+)\/([^/]+))(?:\/namespaces\/([^/]+)(?=\/))?\/([a-z]+)(?:\/([^/]+))?$/;
const SHORT_NAMES: Readonly<Record<string, string>> = {
  Namespace: "ns",
  Node: "no",
  Pod: "po",
  ConfigMap: "cm",
  ServiceAccount: "sa",
  LimitRange: "limits",
  ResourceQuota: "quota",
  PriorityClass: "pc",
  StorageClass: "sc",
  NetworkPolicy: "netpol",
};

function answer(response: ServerResponse, body: object): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}

/** A refusal as the API writes it: an object of the kind Status. */
function refuse(response: ServerResponse, code: number, reason: string, message: string): void {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(
    `${JSON.stringify({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code })}\n`,
  );
}

/** What the API answers below a path that it doesn't have, such as that of a kind without its definition. */
function noSuchPath(response: ServerResponse): void {
  response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
  response.end("404 page not found\n");
}

const groupOf = ({ apiVersion }: Kind): string =>
  apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";

function resourceList(groupVersion: string, kinds: readonly Kind[]): object {
  const resources = kinds.map(({ kind, plural, namespaced }) => ({
    name: plural,
    singularName: kind.toLowerCase(),
    namespaced,
    kind,
    verbs: VERBS,
    ...(SHORT_NAMES[kind] ? { shortNames: [SHORT_NAMES[kind]] } : {}),
  }));
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources };
}

/** What a client such as kubectl asks first: which kinds there are. Undefined for other paths. */
function discovery(path: string): object | undefined {
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
  const groups = [...new Set(KINDS.filter(({ apiVersion }) => apiVersion !== "v1").map(groupOf))];
  if (path === "/apis") {
    const versions = (name: string) =>
      [...new Set(KINDS.filter((kind) => groupOf(kind) === name).map(({ apiVersion }) => apiVersion))].map(
        (groupVersion) => ({ groupVersion, version: groupVersion.split("/")[1] }),
      );
    return {
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: groups.map((name) => ({
        name,
        versions: versions(name),
        preferredVersion: versions(name)[0],
      })),
    };
  }
  const [, groupVersion] = /^\/(?:api|apis)\/(v1|[^/]+\/[^/]+)$/.exec(path) ?? [];
  const kinds = KINDS.filter(({ apiVersion }) => apiVersion === groupVersion);
  return groupVersion !== undefined && kinds.length > 0 ? resourceList(groupVersion, kinds) : undefined;
}

function listOf(kind: Kind, items: readonly Manifest[]): object {
  return { kind: `${kind.kind}List`, apiVersion: kind.apiVersion, metadata: { resourceVersion: "" }, items };
}

async function resources(path: string, api: KubernetesApi, response: ServerResponse): Promise<void> {
  const [, group, version, namespace, plural, name] = RESOURCES.exec(path) ?? [];
  const apiVersion = group === undefined ? "v1" : `${group}/${version}`;
  const kind = KINDS.find((known) => known.apiVersion === apiVersion && known.plural === plural);
  if (!kind || (name !== undefined && kind.namespaced !== (namespace !== undefined))) {
    noSuchPath(response);
    return;
  }
  if (name === undefined) {
    const items = (await api.list(kind)).filter(
      ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
    );
    answer(response, listOf(kind, items));
    return;
  }
  const found = await api.get({ kind, name, ...(namespace === undefined ? {} : { namespace }) });
  if (found) answer(response, found);
  else refuse(response, 404, "NotFound", `${resourceName(kind)} "${name}" not found`);
}

/**
 * Answers one request to the API of a cluster whose objects are in a file: get and list of the kinds that the stand-in keeps, the
 * version, and what clients need to find the kinds. Everything else is refused in the API's own form. The token says which
 * cluster is meant, since `kubectl get --raw` leaves a path in the server's address out.
 */
export async function answerKubernetes(
  find: FindByToken,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "https://127.0.0.1");
  const [, token = ""] = /^bearer (\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
  const api = find(token);
  const unknown = ["watch", "labelSelector", "fieldSelector"].find((name) => searchParams.get(name));
  const found = discovery(pathname);
  if (!api) refuse(response, 401, "Unauthorized", "Unauthorized");
  else if (request.method !== "GET")
    refuse(response, 405, "MethodNotAllowed", "the sandbox's Kubernetes API is read-only");
  else if (unknown)
    refuse(response, 400, "BadRequest", `the sandbox's Kubernetes API has no parameter ${unknown}`);
  else if (pathname === "/version") answer(response, await api.version());
  else if (found) answer(response, found);
  else await resources(pathname, api, response);
}
