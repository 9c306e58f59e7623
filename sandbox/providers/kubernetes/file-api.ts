import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import {
  CloudFile,
  dropEmptySections,
  type Json,
  type JsonObject,
  peek,
  section,
} from "../../clouds/cloud-file";
import { ProviderError } from "../../protocol/diagnostics";
import { timestamp } from "../computed";
import {
  ApplyConflict,
  alreadyExists,
  invalid,
  type KubernetesApi,
  type Manifest,
  notFound,
  type Place,
} from "./api";
import { findKind, type Kind, kindOf, resourceName } from "./kinds";
import { applyFields, recordUpdate } from "./managed-fields";
import { manifestProblems } from "./validation";

/** How the provider's client calls itself when it doesn't apply. */
const MANAGER = "HashiCorp";
/** Namespaces of every cluster; the API refuses to delete them. */
const SYSTEM_NAMESPACES = ["default", "kube-node-lease", "kube-public", "kube-system"];
const FIRST_RESOURCE_VERSION = 1000;

/** Objects of one kind, by `namespace/name` or `name`. */
type Objects = Record<string, Manifest>;

const keyOf = ({ kind, namespace, name }: Place): string => (kind.namespaced ? `${namespace}/${name}` : name);

/** The objects of one cluster: the file `kubernetes/<cluster id>.json`. */
export class FileApi implements KubernetesApi {
  private readonly file: CloudFile;

  constructor(
    directory: string,
    clusterId: string,
    /** Nodes follow from the cluster's pools and are not kept in the file. */
    private readonly cluster: { nodes(): Manifest[]; version(): string },
  ) {
    this.file = new CloudFile(join(directory, "kubernetes", `${clusterId}.json`), {});
  }

  /** Writes what a new cluster has: its namespaces and storage class. */
  initialize(): void {
    this.change((content) => {
      for (const name of SYSTEM_NAMESPACES) {
        this.insert(content, kindOf("Namespace"), {
          apiVersion: "v1",
          kind: "Namespace",
          metadata: { name },
        });
      }
      this.insert(content, kindOf("StorageClass"), {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: {
          name: "do-block-storage",
          annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
        },
        provisioner: "dobs.csi.digitalocean.com",
        reclaimPolicy: "Delete",
        volumeBindingMode: "Immediate",
        allowVolumeExpansion: true,
      });
    });
  }

  /** Deletes the file: the cluster is gone. */
  destroy(): void {
    this.file.delete();
  }

  async get(place: Place): Promise<Manifest | undefined> {
    if (place.kind.kind === "Node")
      return this.cluster.nodes().find(({ metadata }) => metadata.name === place.name);
    const found = this.objects(place.kind)[keyOf(place)];
    return found ? structuredClone(found) : undefined;
  }

  async list(kind: Kind): Promise<Manifest[]> {
    return kind.kind === "Node" ? this.cluster.nodes() : structuredClone(Object.values(this.objects(kind)));
  }

  async create(kind: Kind, manifest: Manifest): Promise<Manifest> {
    return this.change((content) => this.insert(content, kind, structuredClone(manifest)));
  }

  async replace(kind: Kind, manifest: Manifest): Promise<Manifest> {
    return this.change((content) => {
      const before = this.existing(content, kind, manifest);
      const after = structuredClone(manifest);
      recordUpdate(before, after, MANAGER);
      return this.store(content, kind, after, before);
    });
  }

  async apply(kind: Kind, manifest: Manifest, manager: string, force: boolean): Promise<Manifest> {
    return this.change((content) => {
      const before = this.existing(content, kind, manifest);
      const after = structuredClone(before);
      const conflicts = applyFields(after, manifest, manager, force);
      if (conflicts.length > 0) {
        throw new ApplyConflict(
          `Apply failed with ${conflicts.length} conflict${conflicts.length === 1 ? "" : "s"}: ${conflicts.join(", ")}`,
        );
      }
      return this.store(content, kind, after, before);
    });
  }

  async remove(place: Place): Promise<void> {
    if (!this.objects(place.kind)[keyOf(place)]) return;
    this.change((content) => {
      if (place.kind.kind === "Namespace") this.emptyNamespace(content, place.name);
      delete this.section(content, place.kind)[keyOf(place)];
    });
  }

  async version(): Promise<Record<string, string>> {
    const gitVersion = `v${this.cluster.version().split("-")[0]}`;
    const [major = "1", minor = "0"] = gitVersion.slice(1).split(".");
    return {
      major,
      minor,
      gitVersion,
      gitCommit: "0000000000000000000000000000000000000000",
      gitTreeState: "clean",
      buildDate: "1970-01-01T00:00:00Z",
      goVersion: "go1.24",
      compiler: "gc",
      platform: "linux/amd64",
    };
  }

  private change<T>(action: (content: JsonObject) => T): T {
    return this.file.update((content) => {
      const result = action(content);
      dropEmptySections(section(content, "objects", this.file.path));
      return result;
    });
  }

  private objects(kind: Kind): Objects {
    return peek(peek(this.file.read(), "objects", this.file.path), kind.kind, this.file.path) as Objects;
  }

  private section(content: JsonObject, kind: Kind): Objects {
    return section(section(content, "objects", this.file.path), kind.kind, this.file.path) as Objects;
  }

  private place(kind: Kind, { metadata }: Manifest): Place {
    return { kind, name: metadata.name, namespace: metadata.namespace as string };
  }

  private existing(content: JsonObject, kind: Kind, manifest: Manifest): Manifest {
    const found = this.section(content, kind)[keyOf(this.place(kind, manifest))];
    if (!found) throw notFound(kind, manifest.metadata.name);
    return found;
  }

  private insert(content: JsonObject, kind: Kind, manifest: Manifest): Manifest {
    const { metadata } = manifest;
    if (metadata.generateName && !metadata.name) {
      metadata.name = `${metadata.generateName}${randomBytes(4).toString("hex").slice(0, 5)}`;
    }
    if (kind.namespaced && !this.section(content, kindOf("Namespace"))[metadata.namespace as string]) {
      throw notFound(kindOf("Namespace"), String(metadata.namespace));
    }
    if (this.section(content, kind)[keyOf(this.place(kind, manifest))])
      throw alreadyExists(kind, metadata.name);
    if (kind.kind === "Namespace") {
      metadata.labels = { ...(metadata.labels as JsonObject), "kubernetes.io/metadata.name": metadata.name };
    }
    metadata.uid = randomUUID();
    metadata.creationTimestamp = timestamp();
    recordUpdate(undefined, manifest, MANAGER);
    return this.store(content, kind, manifest, undefined);
  }

  private store(content: JsonObject, kind: Kind, manifest: Manifest, before: Manifest | undefined): Manifest {
    const problems = manifestProblems(manifest);
    if (before?.immutable === true && immutableChanged(before, manifest)) {
      problems.push("data: Forbidden: field is immutable when `immutable` is set");
    }
    if (problems.length > 0) throw invalid(kind, manifest.metadata.name, problems);
    const version =
      (typeof content.resourceVersion === "number" ? content.resourceVersion : FIRST_RESOURCE_VERSION) + 1;
    content.resourceVersion = version;
    const generation = Number(before?.metadata.generation ?? 0);
    manifest.metadata.resourceVersion = String(version);
    if ("spec" in manifest) {
      const changed = JSON.stringify(before?.spec) !== JSON.stringify(manifest.spec);
      manifest.metadata.generation = changed ? generation + 1 : generation;
    }
    this.section(content, kind)[keyOf(this.place(kind, manifest))] = manifest;
    return structuredClone(manifest);
  }

  private emptyNamespace(content: JsonObject, name: string): void {
    if (SYSTEM_NAMESPACES.includes(name)) {
      throw new ProviderError(
        `${resourceName(kindOf("Namespace"))} "${name}" is forbidden: this namespace may not be deleted`,
      );
    }
    for (const [kindName, objects] of Object.entries(section(content, "objects", this.file.path))) {
      if (!findKind(kindName)?.namespaced) continue;
      for (const key of Object.keys(objects as JsonObject)) {
        if (key.startsWith(`${name}/`)) delete (objects as JsonObject)[key];
      }
    }
  }
}

function immutableChanged(before: Manifest, after: Manifest): boolean {
  const text = (value: Json | undefined) =>
    JSON.stringify(Object.entries((value ?? {}) as JsonObject).sort());
  return (
    after.immutable !== true ||
    text(before.data) !== text(after.data) ||
    text(before.binaryData) !== text(after.binaryData)
  );
}
