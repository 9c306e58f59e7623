import { createHash } from "node:crypto";
import { ProviderError } from "../../protocol/diagnostics";
import type { Defaults } from "../../protocol/plan";
import { text, type Values, withoutNulls } from "../../protocol/values";
import { type ComputedValues, completeUnknowns, goTime, timestamp } from "../computed";
import type { Call, Report, ResourceHandler } from "../provider";
import { apiError, type GitHubCloud, type Objects } from "./cloud";

/** Throws GitHub's error for a request under `repos/<owner>/<name>/`. */
export type Fail = (method: string, status: number, message: string) => never;

/** What sets one kind of object in a repository apart. */
export interface RepositoryObjectOptions {
  readonly type: string;
  /** Path below the repository, for messages. */
  readonly path: string;
  readonly forceNew?: readonly string[];
  readonly defaults?: Defaults;
  readonly volatile?: readonly string[];
  /** Attributes that GitHub never gives back: not stored, the state's value stays. */
  readonly keptFromState?: readonly string[];
  validate?(config: Values, report: Report): void;
  /** The key of an object in the file; made once, on create. */
  key(object: Values): string;
  id(object: Values, key: string): string;
  /** The key from the state's id and attributes. */
  keyOf(state: Values): string;
  computed?(object: Values, key: string, owner: string): ComputedValues;
  /** Refuses what GitHub refuses. `existing` is the object of the same key, if there is one. */
  check?(
    planned: Values,
    key: string,
    isNew: boolean,
    objects: (type: string) => Objects,
    fail: Fail,
    owner: string,
  ): void;
  beforeRemove?(prior: Values, objects: (type: string) => Objects): void;
  afterRead?(stored: Values, state: Values): Values | null;
  /** The first state of an import, from the user's argument. */
  importState?(id: string): Values;
  /** The repository of an object; its attribute `repository` when left out. */
  repositoryOf?(object: Values): string;
}

const etagOf = (object: Values): string =>
  `W/"${createHash("sha256").update(JSON.stringify(object)).digest("hex").slice(0, 32)}"`;

/** Splits an id such as `repository:environment:name`. */
export function parts(id: string, separator: string, names: readonly string[]): string[] {
  const found = id.split(separator);
  const joined = found.slice(names.length - 1).join(separator);
  const result = [...found.slice(0, names.length - 1), joined];
  if (found.length < names.length || result.some((part) => part === "")) {
    throw new ProviderError(
      `unexpected ID format (${id}): expected ${names.map((name) => `<${name}>`).join(separator)}`,
    );
  }
  return result;
}

/** A resource type whose objects belong to a repository. */
export function repositoryObject(cloud: GitHubCloud, options: RepositoryObjectOptions): ResourceHandler {
  const { type } = options;
  const repositoryOf = options.repositoryOf ?? ((object: Values) => text(object.repository) ?? "");
  const failAt =
    (owner: string, repository: string): Fail =>
    (method, status, message) => {
      throw apiError(method, `repos/${owner}/${repository}/${options.path}`, status, message);
    };
  const stored = (object: Values): Values => {
    const kept = ["id", "timeouts", "etag", ...(options.keptFromState ?? [])];
    return withoutNulls(
      Object.fromEntries(Object.entries(object).filter(([name]) => !kept.includes(name))) as Values,
    );
  };
  const asRead = ({ made_at: _, ...object }: Values, state: Values, call: Call): Values | null => {
    const result: Values = { ...object, id: state.id ?? null };
    for (const name of options.keptFromState ?? []) result[name] = state[name] ?? null;
    if (call.block.attributes?.etag) result.etag = etagOf(object);
    return options.afterRead ? options.afterRead(result, state) : result;
  };
  return {
    forceNew: options.forceNew ?? [],
    defaults: options.defaults ?? {},
    volatile: ["etag", "updated_at", ...(options.volatile ?? [])],
    ...(options.validate ? { validate: options.validate } : {}),
    create: (planned, call) => {
      const owner = cloud.owner(call.config);
      const repository = repositoryOf(planned);
      return cloud.update(owner, repository, (objects) => {
        const key = options.key(planned);
        options.check?.(planned, key, true, objects, failAt(owner, repository), owner);
        const now = goTime();
        completeUnknowns(call.block, planned, {
          id: options.id(planned, key),
          created_at: now,
          updated_at: now,
          ...options.computed?.(planned, key, owner),
        });
        const object = stored(planned);
        objects(type)[key] = { ...object, made_at: timestamp() };
        return { ...planned, ...("etag" in planned ? { etag: etagOf(object) } : {}) };
      });
    },
    read: (state, call) => {
      const owner = cloud.owner(call.config);
      const object = cloud.objects(owner, repositoryOf(state), type)[options.keyOf(state)];
      return object ? asRead(object, state, call) : null;
    },
    update: (planned, prior, call) => {
      const owner = cloud.owner(call.config);
      const repository = repositoryOf(prior);
      return cloud.update(owner, repository, (objects) => {
        const key = options.keyOf(prior);
        const fail = failAt(owner, repository);
        const current = objects(type)[key];
        if (!current) fail("PATCH", 404, "Not Found");
        options.check?.(planned, key, false, objects, fail, owner);
        completeUnknowns(call.block, planned, options.computed?.(planned, key, owner) ?? {});
        if ("updated_at" in planned) planned.updated_at = goTime();
        const made_at = current?.made_at ?? null;
        objects(type)[key] = { ...stored(planned), ...(made_at === null ? {} : { made_at }) };
        return { ...planned, ...("etag" in planned ? { etag: etagOf(stored(planned)) } : {}) };
      });
    },
    remove: (prior, call) => {
      const owner = cloud.owner(call.config);
      if (!cloud.objects(owner, repositoryOf(prior), type)[options.keyOf(prior)]) return;
      cloud.update(owner, repositoryOf(prior), (objects) => {
        options.beforeRemove?.(prior, objects);
        delete objects(type)[options.keyOf(prior)];
      });
    },
    ...(options.importState ? { importState: options.importState } : {}),
  };
}
