import type { Diagnostic, Path, ProviderError } from "../protocol/diagnostics";
import type { Defaults } from "../protocol/plan";
import type { Block, ProviderSchema } from "../protocol/schema";
import type { Values } from "../protocol/values";

/** One call of terraform: the configuration of its provider block and what else a handler needs. */
export interface Call {
  /** The provider block; empty before terraform configured the provider. Values can be unknown. */
  readonly config: Values;
  /** The schema of the resource or data source the call is about. */
  readonly block: Block;
  /** The resource's configuration, when there is one (plan and apply); it holds write-only values. */
  readonly resourceConfig?: Values;
  /** Reports a warning that doesn't end the call. */
  warn(summary: string, detail?: string): void;
}

/** Collects what is wrong with a configuration before anything is planned. */
export type Report = (path: Path, summary: string, detail?: string) => void;

type Result<T> = T | Promise<T>;

/** What one resource type does. Objects are in the form of the type's schema. */
export interface ResourceHandler {
  /** Paths (`metadata.name`) whose change replaces the resource. */
  readonly forceNew?: readonly string[];
  readonly defaults?: Defaults;
  /** Names of computed attributes that may change in an update though the plan kept them. */
  readonly volatile?: readonly string[];
  /** Checks a configuration; its values can be unknown. */
  validate?(config: Values, report: Report): void;
  /** Changes a plan further; returns more paths that replace the resource. `prior` is null on create. */
  customizePlan?(planned: Values, prior: Values | null, call: Call): readonly Path[];
  /** Creates the object: every unknown of `planned` gets a value. */
  create(planned: Values, call: Call): Result<Values>;
  /** The object as it is now; null when it is gone. */
  read(state: Values, call: Call): Result<Values | null>;
  update(planned: Values, prior: Values, call: Call): Result<Values>;
  /** Deletes the object. One that is gone already is no error. */
  remove(prior: Values, call: Call): Result<void>;
  /** The first state of an import, which is read next; `id` is the user's argument. */
  importState?(id: string, call: Call): Result<Values>;
}

/** Reads a data source: the configuration completed. */
export type DataSourceHandler = (config: Values, call: Call) => Result<Values>;

/** The kinds of failure that can be asked for. */
export type FaultKind = "429" | "500" | "timeout" | "reset" | "unanswered" | "crash" | "stall";

/** What terraform does with a resource when a fault can strike. */
export type Operation = "plan" | "create" | "read" | "update" | "delete";

/** A stand-in of one provider. */
export interface ProviderDefinition {
  /** Short name, such as `digitalocean`. */
  readonly name: string;
  /** Full address, such as `registry.terraform.io/digitalocean/digitalocean`. */
  readonly address: string;
  schema(): Promise<ProviderSchema>;
  /** Checks the provider block; values can be unknown. */
  configure?(config: Values): readonly Diagnostic[];
  readonly resources: Readonly<Record<string, ResourceHandler>>;
  readonly dataSources: Readonly<Record<string, DataSourceHandler>>;
  /** The error of the real provider for a failure of its API. */
  apiFault(kind: "429" | "500" | "timeout" | "unanswered", type: string, operation: Operation): ProviderError;
  /** How often the real provider's client sends a call again that had no answer. */
  readonly repeats: number;
}
