import type { JsonObject } from "../../clouds/cloud-file";
import { ProviderError } from "../../protocol/diagnostics";
import { apiPath, type Kind, resourceName } from "./kinds";

/** Metadata of an object. */
export interface Metadata extends JsonObject {
  name: string;
}

/** A Kubernetes object. */
export interface Manifest extends JsonObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

/** Where an object is. */
export interface Place {
  readonly kind: Kind;
  /** Left out for kinds that have no namespace. */
  readonly namespace?: string;
  readonly name: string;
}

/** What the handlers need of a Kubernetes API. Errors are ProviderErrors in the API's words. */
export interface KubernetesApi {
  get(place: Place): Promise<Manifest | undefined>;
  list(kind: Kind): Promise<Manifest[]>;
  create(kind: Kind, manifest: Manifest): Promise<Manifest>;
  /** Writes a whole object that exists. */
  replace(kind: Kind, manifest: Manifest): Promise<Manifest>;
  /** Server-side apply of labels, annotations or data. */
  apply(kind: Kind, manifest: Manifest, manager: string, force: boolean): Promise<Manifest>;
  /** Deletes an object; one that is gone is no error. */
  remove(place: Place): Promise<void>;
  version(): Promise<Record<string, string>>;
}

/** `configmaps "x" not found` */
export const notFound = (kind: Kind, name: string) =>
  new ProviderError(`${resourceName(kind)} "${name}" not found`);

/** `configmaps "x" already exists` */
export const alreadyExists = (kind: Kind, name: string) =>
  new ProviderError(`${resourceName(kind)} "${name}" already exists`);

/** `ConfigMap "x" is invalid: data: …` */
export const invalid = (kind: Kind, name: string, problems: readonly string[]) =>
  new ProviderError(
    `${kind.kind}${kind.apiVersion.includes("/") ? `.${kind.apiVersion.split("/")[0]}` : ""} "${name}" is invalid: ${
      problems.length === 1 ? problems[0] : `[${problems.join(", ")}]`
    }`,
  );

/** Thrown by {@link KubernetesApi.apply} when another manager owns a field. */
export class ApplyConflict extends ProviderError {
  constructor(message: string) {
    super(
      "Field manager conflict",
      `Another client is managing a field Terraform tried to update. Set "force" to true to override: ${message}`,
    );
  }
}

/** An API that can't be reached: every call fails with what the network says. */
export class UnreachableApi implements KubernetesApi {
  constructor(
    private readonly host: string,
    private readonly reason: string,
  ) {}

  async get({ kind, namespace, name }: Place): Promise<never> {
    return this.fail("Get", apiPath(kind, namespace, name));
  }
  async list(kind: Kind): Promise<never> {
    return this.fail("Get", apiPath(kind, undefined));
  }
  async create(kind: Kind, { metadata }: Manifest): Promise<never> {
    return this.fail("Post", apiPath(kind, metadata.namespace as string | undefined));
  }
  async replace(kind: Kind, { metadata }: Manifest): Promise<never> {
    return this.fail("Patch", apiPath(kind, metadata.namespace as string | undefined, metadata.name));
  }
  async apply(kind: Kind, manifest: Manifest): Promise<never> {
    return this.replace(kind, manifest);
  }
  async remove({ kind, namespace, name }: Place): Promise<never> {
    return this.fail("Delete", apiPath(kind, namespace, name));
  }
  async version(): Promise<never> {
    return this.fail("Get", "/version");
  }

  private fail(method: string, path: string): never {
    throw new ProviderError(`${method} "${this.host}${path}": ${this.reason}`);
  }
}
