import { randomUUID } from "node:crypto";
import type { Path } from "../../protocol/diagnostics";
import type { Defaults } from "../../protocol/plan";
import { text, type Values } from "../../protocol/values";
import { type ComputedValues, completeUnknowns, goTime } from "../computed";
import type { Call, Report, ResourceHandler } from "../provider";
import { type AccountChange, apiError, type DigitalOceanCloud, NOT_FOUND } from "./cloud";

/** What sets one kind of object apart from plain create, read, update and delete. */
export interface CollectionOptions {
  readonly type: string;
  /** What messages call it, such as `VPC`. */
  readonly noun: string;
  /** Path below /v2/. */
  readonly path: string;
  readonly forceNew?: readonly string[];
  readonly defaults?: Defaults;
  readonly volatile?: readonly string[];
  /** Attributes that the API never gives back: the state's value stays. */
  readonly keptFromState?: readonly string[];
  validate?(config: Values, report: Report): void;
  customizePlan?(planned: Values, prior: Values | null, call: Call): readonly Path[];
  id?(planned: Values): string;
  /** Values of computed attributes of a new object. */
  computed?(planned: Values, id: string, account: AccountChange): ComputedValues;
  /** Refuses a change as the API would. */
  check?(planned: Values, id: string | null, account: AccountChange, fail: Fail): void;
  /** Refuses a deletion, or deletes what goes with the object. */
  beforeRemove?(id: string, prior: Values, account: AccountChange, fail: Fail): void;
  /** Changes what is read, as attributes that follow from other objects. */
  afterRead?(object: Values, id: string): Values;
  importState?(id: string): Values;
}

/** Throws an API error with a status and a message. */
export type Fail = (status: number, message: string) => never;

/** A resource type whose objects are entries of `digitalocean.json` under the type's name. */
export function collection(cloud: DigitalOceanCloud, options: CollectionOptions): ResourceHandler {
  const { type, noun, path } = options;
  const failing =
    (verb: string, method: "POST" | "PUT" | "DELETE", at: string): Fail =>
    (status, message) => {
      throw apiError(`Error ${verb} ${noun}`, method, at, status, message);
    };
  const asRead = (id: string, current: Values, state: Values): Values => {
    const object: Values = { ...current, id, timeouts: state.timeouts ?? null };
    for (const name of options.keptFromState ?? []) object[name] = state[name] ?? null;
    return options.afterRead?.(object, id) ?? object;
  };
  const stored = (planned: Values): Values => {
    const object = { ...planned };
    for (const name of options.keptFromState ?? []) object[name] = null;
    return object;
  };
  return {
    forceNew: options.forceNew ?? [],
    defaults: options.defaults ?? {},
    volatile: ["updated_at", ...(options.volatile ?? [])],
    ...(options.validate ? { validate: options.validate } : {}),
    ...(options.customizePlan ? { customizePlan: options.customizePlan } : {}),
    create: (planned, call) =>
      cloud.update((account) => {
        const fail: Fail = failing("creating", "POST", path);
        const id = options.id?.(planned) ?? randomUUID();
        options.check?.(planned, null, account, fail);
        completeUnknowns(call.block, planned, { id, ...options.computed?.(planned, id, account) });
        account.put(type, id, stored(planned));
        return { ...planned, id };
      }),
    read: (state) => {
      const id = text(state.id) ?? "";
      const current = cloud.object(type, id);
      return current ? asRead(id, current, state) : null;
    },
    update: (planned, prior, call) =>
      cloud.update((account) => {
        const id = text(prior.id) ?? "";
        const fail: Fail = failing("updating", "PUT", `${path}/${id}`);
        const current = account.objects(type)[id];
        if (!current) fail(404, NOT_FOUND);
        options.check?.(planned, id, account, fail);
        completeUnknowns(call.block, planned, { id, ...options.computed?.(planned, id, account) });
        if ("updated_at" in planned) planned.updated_at = goTime();
        account.put(type, id, { ...current, ...stored(planned) });
        return planned;
      }),
    remove: (prior) =>
      cloud.update((account) => {
        const id = text(prior.id) ?? "";
        if (!account.objects(type)[id]) return;
        options.beforeRemove?.(id, prior, account, failing("deleting", "DELETE", `${path}/${id}`));
        account.remove(type, id);
        const urn = text(prior.urn);
        if (urn) account.forget(urn);
      }),
    importState: (id) => options.importState?.(id) ?? { id },
  };
}
