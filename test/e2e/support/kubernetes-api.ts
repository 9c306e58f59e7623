import type { ClientRequest } from "node:http";
import { Agent, request } from "node:https";
import { createInterface } from "node:readline";

/** An object of the API as far as tests look into it. */
export type ApiObject = { metadata: any; spec?: any; status?: any; data?: any; [key: string]: any };

/** Thrown when the API server answers with an error; the message is its own. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Kinds that tests and the status writer use, with their place in the API. */
const PLACES: Readonly<Record<string, string>> = {
  ConfigMap: "api/v1/namespaces/{ns}/configmaps",
  Namespace: "api/v1/namespaces",
  PersistentVolumeClaim: "api/v1/namespaces/{ns}/persistentvolumeclaims",
  Pod: "api/v1/namespaces/{ns}/pods",
  Secret: "api/v1/namespaces/{ns}/secrets",
  Service: "api/v1/namespaces/{ns}/services",
  Deployment: "apis/apps/v1/namespaces/{ns}/deployments",
  StatefulSet: "apis/apps/v1/namespaces/{ns}/statefulsets",
  DaemonSet: "apis/apps/v1/namespaces/{ns}/daemonsets",
  Job: "apis/batch/v1/namespaces/{ns}/jobs",
  APIService: "apis/apiregistration.k8s.io/v1/apiservices",
  CustomResourceDefinition: "apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  GitRepository: "apis/source.toolkit.fluxcd.io/v1/namespaces/{ns}/gitrepositories",
  HelmRepository: "apis/source.toolkit.fluxcd.io/v1/namespaces/{ns}/helmrepositories",
  HelmRelease: "apis/helm.toolkit.fluxcd.io/v2/namespaces/{ns}/helmreleases",
  Kustomization: "apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{ns}/kustomizations",
};

/** The real Kubernetes API, over HTTPS on loopback. */
export class KubernetesApi {
  private readonly agent: Agent;

  constructor(
    readonly url: string,
    readonly token: string,
    readonly certificateAuthority: string,
  ) {
    this.agent = new Agent({ ca: certificateAuthority, keepAlive: true, maxSockets: 32 });
  }

  /** Objects of a kind, in one namespace or in all. */
  async list(kind: string, namespace?: string): Promise<ApiObject[]> {
    const { items } = await this.call("GET", this.path(kind, namespace));
    return items;
  }

  async get(kind: string, namespace: string, name: string): Promise<ApiObject> {
    return this.call("GET", `${this.path(kind, namespace)}/${name}`);
  }

  /** The object, or undefined when there is none. */
  async find(kind: string, namespace: string, name: string): Promise<ApiObject | undefined> {
    try {
      return await this.get(kind, namespace, name);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /**
   * Tells of every object of a kind, in all namespaces: of those that are there and of each change, but not of what is deleted.
   * Ends without an error when the connection does, or with the signal.
   */
  watch(kind: string, tell: (object: ApiObject) => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const call = this.request("GET", `${this.path(kind)}?watch=1`, undefined, signal);
      call.once("error", () => resolve());
      call.once("close", () => resolve());
      call.once("response", (response) => {
        const lines = createInterface({ input: response });
        // It passes on the error of a connection that breaks, and one that nobody listens to would end the tests.
        lines.on("error", () => resolve());
        lines.on("line", (line) => {
          const { type, object } = JSON.parse(line);
          if (type === "ADDED" || type === "MODIFIED") tell(object);
        });
        response.once("error", () => resolve());
      });
      call.end();
    });
  }

  /** A JSON merge patch of an object, or of its status. */
  async patch(kind: string, namespace: string, name: string, change: object, part = ""): Promise<ApiObject> {
    return this.call(
      "PATCH",
      `${this.path(kind, namespace)}/${name}${part}`,
      change,
      "application/merge-patch+json",
    );
  }

  async create(kind: string, object: ApiObject): Promise<ApiObject> {
    return this.call("POST", this.path(kind, object.metadata.namespace), object);
  }

  async delete(kind: string, namespace: string, name: string): Promise<void> {
    await this.call("DELETE", `${this.path(kind, namespace)}/${name}`);
  }

  /** @throws ApiError for every answer that is no success */
  call(method: string, path: string, body?: object, type = "application/json"): Promise<ApiObject> {
    return new Promise((resolve, reject) => {
      const call = this.request(method, path, type);
      call.once("response", (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        response.once("end", () => {
          const status = response.statusCode ?? 0;
          const answer = text.startsWith("{") ? JSON.parse(text) : { message: text };
          if (status >= 200 && status < 300) resolve(answer);
          else reject(new ApiError(status, answer.message ?? text));
        });
        response.once("error", reject);
      });
      call.once("error", reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  private request(
    method: string,
    path: string,
    type = "application/json",
    signal?: AbortSignal,
  ): ClientRequest {
    return request(`${this.url}/${path}`, {
      method,
      signal,
      agent: this.agent,
      headers: { Authorization: `Bearer ${this.token}`, Accept: "application/json", "Content-Type": type },
    });
  }

  close(): void {
    this.agent.destroy();
  }

  private path(kind: string, namespace?: string): string {
    const place = PLACES[kind];
    if (!place) throw new Error(`tests don't know where ${kind} is in the API`);
    return place.replace(namespace === undefined ? "namespaces/{ns}/" : "{ns}", namespace ?? "");
  }
}
