import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { duplicateEntries, explain, type ReadSchema } from "./schema-problems";
import { runTool, toolPath, toolsDirectory, VERSIONS } from "./tools";
import type { Manifest } from "./tree";

/** A place where an object is not as its schema wants it. */
export interface SchemaProblem {
  /** Kind, namespace and name. */
  readonly object: string;
  /** Place in the object, such as `spec.replicas`; empty for the object as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Thrown when the schemas were not built on this machine. */
export class MissingSchemas extends Error {
  constructor() {
    super(
      'the schemas of Kubernetes and of the custom resources are not on this machine: "npm run tools" builds them once (with Go, which "mise install" installs)',
    );
    this.name = "MissingSchemas";
  }
}

/** Which module the schema of each `<apiVersion>/<kind>` is from. */
export type SchemaIndex = Readonly<Record<string, string>>;

/** The file with the SchemaIndex. */
export const SCHEMA_INDEX = "index.json";

/** Where `npm run tools` puts the schemas: a folder for each set of modules, since checkouts of different age share it. */
export function schemasDirectory(): string {
  const digest = createHash("sha256").update(JSON.stringify(VERSIONS.schemas)).digest("hex");
  return path.join(toolsDirectory(), "schemas", digest.slice(0, 16));
}

type Type = Pick<Manifest, "apiVersion" | "kind">;

/** A type's file in that folder. */
export function schemaFile({ apiVersion, kind }: Type): string {
  const [group, version = group] = apiVersion.split("/");
  return `${group}/${kind.toLowerCase()}_${version}.json`.toLowerCase();
}

/** The same as kubeconform has to be told: of the core group it takes the version for the group too. */
const FILE_TEMPLATE = "{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json";

/**
 * Checks objects against the schemas of their kinds: misspelt fields, missing ones, and values of another type than the
 * API server takes, custom resources included. Every object is checked; one of an unknown kind is a problem.
 * @throws MissingSchemas, MissingTool for kubeconform, or Error when kubeconform left an object out
 */
export async function checkSchemas(
  objects: readonly Manifest[],
): Promise<{ checked: number; problems: SchemaProblem[] }> {
  const index = readIndex();
  const all = objects.flatMap(unpacked);
  const hasSchema = (object: Manifest): boolean => index[typeOf(object)] !== undefined;
  const unknown = all.filter((object) => !hasSchema(object));
  return {
    checked: all.length,
    problems: [
      ...unknown.map((object) => unknownKind(object, index)),
      ...(await conform(all.filter(hasSchema))),
    ],
  };
}

/** The objects of a `kind: List`, which the API server never sees as one. */
function unpacked(object: Manifest): Manifest[] {
  const list = object.kind?.endsWith("List") && Array.isArray(object.items);
  return list ? (object.items as Manifest[]).flatMap(unpacked) : [object];
}

const typeOf = ({ apiVersion, kind }: Type): string => `${apiVersion}/${kind}`;

function readIndex(): SchemaIndex {
  const file = path.join(schemasDirectory(), SCHEMA_INDEX);
  if (!existsSync(file)) throw new MissingSchemas();
  return JSON.parse(readFileSync(file, "utf8")) as SchemaIndex;
}

/**
 * The types of custom resources that have a schema, as `<apiVersion>/<kind>`.
 * @throws MissingSchemas
 */
export function knownCustomResources(): string[] {
  const kubernetes = `${VERSIONS.schemas.kubernetes.module}@`;
  return Object.entries(readIndex()).flatMap(([type, module]) =>
    module.startsWith(kubernetes) ? [] : [type],
  );
}

function unknownKind(object: Manifest, index: SchemaIndex): SchemaProblem {
  const { apiVersion, kind } = object;
  if (!apiVersion || !kind) {
    return {
      object: nameOf(object),
      path: apiVersion ? "kind" : "apiVersion",
      message: "is missing: every object says what it is",
    };
  }
  const group = apiVersion.split("/").slice(0, -1).join("/");
  const sameKind = Object.keys(index).filter((type) => type.endsWith(`/${kind}`));
  const sameGroup = Object.keys(index).filter((type) => type.startsWith(`${group}/`) && group !== "");
  return {
    object: nameOf(object),
    path: "apiVersion",
    message: `there is no schema of ${kind} in ${apiVersion}: ${advice(sameKind, sameGroup)}`,
  };
}

function advice(sameKind: readonly string[], sameGroup: readonly string[]): string {
  if (sameKind.length > 0) {
    const versions = sameKind.map((type) => type.slice(0, type.lastIndexOf("/")));
    return `write apiVersion: ${versions.join(" or ")}`;
  }
  if (sameGroup.length > 0) return `that group has ${kindsOf(sameGroup)}`;
  return 'name the Go module that has its CustomResourceDefinition in scripts/tools/versions.json ("customResources"), then run "npm run tools"';
}

const kindsOf = (types: readonly string[]): string =>
  [...new Set(types.map((type) => type.slice(type.lastIndexOf("/") + 1)))].join(", ");

function nameOf({ kind, metadata }: Manifest): string {
  const name = metadata?.name ?? "(without a name)";
  return `${kind ?? "(without a kind)"} ${metadata?.namespace ? `${metadata.namespace}/` : ""}${name}`;
}

/** Each object as a file of its own, so that a finding belongs to exactly one. */
async function conform(objects: readonly Manifest[]): Promise<SchemaProblem[]> {
  if (objects.length === 0) return [];
  const folder = await mkdtemp(path.join(tmpdir(), "flux-objects-"));
  try {
    const files = objects.map((object, number) => ({ object, file: path.join(folder, `${number}.json`) }));
    await Promise.all(files.map(({ object, file }) => writeFile(file, JSON.stringify(decrypted(object)))));
    const findings = await runKubeconform(folder);
    return files.flatMap(({ object, file }) => {
      const [finding, ...others] = findings.filter(({ filename }) => filename === file);
      const checked = finding?.status === VALID || finding?.status === INVALID;
      if (!finding || !checked || others.length > 0) {
        throw new Error(`${nameOf(object)}: kubeconform did not check it: ${finding?.msg || "no result"}`);
      }
      return problemsOf(object, finding);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What kubeconform prints for an object. */
interface Finding {
  readonly filename: string;
  readonly status: string;
  readonly msg: string;
}

const VALID = "statusValid";
const INVALID = "statusInvalid";

async function runKubeconform(folder: string): Promise<Finding[]> {
  const location = path.join(schemasDirectory(), FILE_TEMPLATE);
  const text = await runTool(
    "kubeconform",
    ["-strict", "-verbose", "-output=json", `-schema-location=${location}`, folder],
    // 1: some object is not as it should be.
    { accepted: [0, 1] },
  );
  try {
    return (JSON.parse(text) as { resources: Finding[] }).resources;
  } catch {
    throw new Error(
      `${toolPath("kubeconform")} gave no report: remove the folder it is in and run "npm run tools", or install it again`,
    );
  }
}

function problemsOf(object: Manifest, { status, msg }: Finding): SchemaProblem[] {
  const schema = JSON.parse(
    readFileSync(path.join(schemasDirectory(), schemaFile(object)), "utf8"),
  ) as ReadSchema;
  const found = [...(status === VALID ? [] : explain(msg, schema)), ...duplicateEntries(object, schema)];
  return found
    .map((problem) => ({ object: nameOf(object), ...problem }))
    .sort((a, b) => a.path.localeCompare(b.path));
}

/**
 * What SOPS has encrypted, as Flux applies it: without the block that SOPS adds, and with some value in place of each
 * encrypted one, since only its type can be right or wrong.
 */
function decrypted(object: Manifest): Manifest {
  if (object.sops === undefined) return object;
  const { sops: _, ...rest } = object;
  return withoutCipherText(rest) as Manifest;
}

function withoutCipherText(value: unknown): unknown {
  if (typeof value === "string") return value.startsWith("ENC[") ? "" : value;
  if (Array.isArray(value)) return value.map(withoutCipherText);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutCipherText(inner)]));
}
