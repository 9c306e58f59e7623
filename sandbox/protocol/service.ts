import * as grpc from "@grpc/grpc-js";
import type { Faults } from "../clouds/faults";
import type { Call, Operation, ProviderDefinition, ResourceHandler } from "../providers/provider";
import { type Diagnostic, type Path, ProviderError, wireDiagnostics, wirePath } from "./diagnostics";
import { providerService } from "./messages";
import {
  applyDefaults,
  deviations,
  dropWriteOnly,
  keepComputedInSets,
  markComputed,
  replacedPaths,
} from "./plan";
import { canonical, type ProviderSchema, type Schema, ShapeError, shape, wireSchema } from "./schema";
import { copy, decodeValue, encodeValue, isValues, text, type Value, type Values } from "./values";

interface Wire {
  msgpack?: Uint8Array;
  json?: Uint8Array;
}

/** The fields that requests have; each call has some of them. */
interface Request {
  type_name: string;
  id: string;
  config: Wire | null;
  current_state: Wire | null;
  prior_state: Wire | null;
  planned_state: Wire | null;
  proposed_new_state: Wire | null;
  raw_state: { json: Uint8Array } | null;
  private: Uint8Array;
  prior_private: Uint8Array;
  planned_private: Uint8Array;
}

/** Thrown where the connection to terraform has to break instead of an answer. */
class ConnectionReset extends Error {}

/** What serving a provider needs besides its definition. */
export interface ServiceOptions {
  readonly faults: Faults;
  /** Called for a `crash` fault, after the cloud has changed and before terraform gets its answer. */
  readonly crash: (provider: ProviderDefinition) => void;
}

const MAX_CONNECTIONS_REMEMBERED = 1000;

/** One provider behind the plugin protocol. */
export class ProviderService {
  private crashing: Promise<void> | undefined;
  private readonly configurations = new Map<string, Values>();
  private loaded: Promise<ProviderSchema> | undefined;
  private schemaMessage: Promise<Buffer> | undefined;

  constructor(
    private readonly provider: ProviderDefinition,
    private readonly options: ServiceOptions,
  ) {}

  /** Adds the provider to a gRPC server. */
  addTo(server: grpc.Server): void {
    const definition = { ...(providerService()["tfplugin6.Provider"] as grpc.ServiceDefinition) };
    const schemaCall = definition.GetProviderSchema as grpc.MethodDefinition<unknown, unknown>;
    const serialize = schemaCall.responseSerialize;
    // The schemas never change: they are serialized once and not for each run of terraform.
    definition.GetProviderSchema = {
      ...schemaCall,
      responseSerialize: (message) => (Buffer.isBuffer(message) ? message : serialize(message)),
    };
    server.addService(definition, {
      GetProviderSchema: this.call(async () => {
        this.schemaMessage ??= this.schemas().then((schemas) => serialize(schemas));
        return this.schemaMessage;
      }),
      ValidateProviderConfig: this.call(async () => ({})),
      ValidateResourceConfig: this.call((request, _, report) => this.validateResource(request, report)),
      ValidateDataResourceConfig: this.call(async () => ({})),
      UpgradeResourceState: this.call((request) => this.upgradeState(request)),
      ConfigureProvider: this.call((request, peer, report) => this.configure(request, peer, report)),
      ReadResource: this.call((request, peer, report) => this.read(request, peer, report)),
      PlanResourceChange: this.call((request, peer, report) => this.plan(request, peer, report)),
      ApplyResourceChange: this.call((request, peer, report) => this.apply(request, peer, report)),
      ImportResourceState: this.call((request, peer, report) => this.importState(request, peer, report)),
      ReadDataSource: this.call((request, peer, report) => this.readData(request, peer, report)),
      StopProvider: this.call(async () => ({})),
    });
  }

  /** Wraps a handler: what it throws becomes a diagnostic of its answer. */
  private call(handler: (request: Request, peer: string, report: Diagnostic[]) => Promise<unknown>) {
    return (
      call: grpc.ServerUnaryCall<Request, unknown>,
      callback: (error: grpc.ServiceError | null, value?: unknown) => void,
    ): void => {
      const diagnostics: Diagnostic[] = [];
      const answer = (response: unknown) =>
        callback(
          null,
          Buffer.isBuffer(response)
            ? response
            : { ...(response as object), diagnostics: wireDiagnostics(diagnostics) },
        );
      handler(call.request, call.getPeer(), diagnostics).then(answer, (error: unknown) => {
        if (error instanceof ConnectionReset) {
          callback({
            name: "UNAVAILABLE",
            message: "connection reset by peer",
            code: grpc.status.UNAVAILABLE,
            details: "connection reset by peer",
            metadata: new grpc.Metadata(),
          });
          return;
        }
        diagnostics.push(toDiagnostic(error));
        answer({});
      });
    };
  }

  private async schemas(): Promise<object> {
    const schema = await this.schema();
    const wire = (schemas: Readonly<Record<string, Schema>>) =>
      Object.fromEntries(Object.entries(schemas).map(([name, entry]) => [name, wireSchema(entry)]));
    return {
      provider: wireSchema(schema.provider),
      resource_schemas: wire(schema.resource_schemas),
      data_source_schemas: wire(schema.data_source_schemas),
      server_capabilities: { get_provider_schema_optional: true, plan_destroy: false },
    };
  }

  private schema(): Promise<ProviderSchema> {
    this.loaded ??= this.provider.schema();
    return this.loaded;
  }

  private async resource(type: string): Promise<{ schema: Schema; handler: ResourceHandler }> {
    const schema = (await this.schema()).resource_schemas[type];
    const handler = this.provider.resources[type];
    if (!schema || !handler) throw new ProviderError(`The sandbox has no resource type ${type}`);
    return { schema, handler };
  }

  private context(peer: string, schema: Schema, report: Diagnostic[], resourceConfig?: Values): Call {
    return {
      config: this.configurations.get(peer) ?? {},
      block: schema.block,
      ...(resourceConfig ? { resourceConfig } : {}),
      warn: (summary, detail) =>
        report.push({ severity: "warning", summary, ...(detail === undefined ? {} : { detail }) }),
    };
  }

  private async configure(request: Request, peer: string, report: Diagnostic[]): Promise<object> {
    const config = decodeValue(request.config);
    const values = isValues(config) ? config : {};
    this.configurations.delete(peer);
    this.configurations.set(peer, values);
    const [oldest] = this.configurations.keys();
    if (this.configurations.size > MAX_CONNECTIONS_REMEMBERED && oldest !== undefined) {
      this.configurations.delete(oldest);
    }
    report.push(...(this.provider.configure?.(values) ?? []));
    return {};
  }

  private async validateResource(request: Request, report: Diagnostic[]): Promise<object> {
    const { handler } = await this.resource(request.type_name);
    const config = decodeValue(request.config);
    if (isValues(config)) {
      handler.validate?.(config, (path, summary, detail) =>
        report.push({ severity: "error", summary, detail: detail ?? "", path }),
      );
    }
    return {};
  }

  private async upgradeState(request: Request): Promise<object> {
    const { schema } = await this.resource(request.type_name);
    const raw = JSON.parse(Buffer.from(request.raw_state?.json ?? []).toString("utf8")) as Values;
    return { upgraded_state: encodeValue(shape(schema.block, raw)) };
  }

  private async read(request: Request, peer: string, report: Diagnostic[]): Promise<object> {
    const { schema, handler } = await this.resource(request.type_name);
    const state = decodeValue(request.current_state);
    if (!isValues(state)) return { new_state: encodeValue(null), private: request.private };
    await this.fault(peer, request.type_name, "read", state);
    const found = await handler.read(state, this.context(peer, schema, report));
    await this.breakAfterwards(peer, request.type_name, "read", state);
    const place = `${request.type_name} ${text(state.id) ?? ""}`;
    return {
      new_state: encodeValue(found === null ? null : shape(schema.block, found, place)),
      private: request.private,
    };
  }

  private async plan(request: Request, peer: string, report: Diagnostic[]): Promise<object> {
    const { schema, handler } = await this.resource(request.type_name);
    const proposed = decodeValue(request.proposed_new_state);
    if (!isValues(proposed))
      return { planned_state: encodeValue(null), planned_private: request.prior_private };
    const priorValue = decodeValue(request.prior_state);
    const prior = isValues(priorValue) ? priorValue : null;
    const config = decodeValue(request.config);
    const call = this.context(peer, schema, report, isValues(config) ? config : {});
    await this.fault(peer, request.type_name, "plan", proposed);
    await this.breakAfterwards(peer, request.type_name, "plan", proposed);

    const planned = copy(proposed);
    dropWriteOnly(schema.block, planned);
    applyDefaults(planned, handler.defaults ?? {});
    keepComputedInSets(schema.block, planned, prior);
    // Before the check for changes: what the provider wouldn't see as a change isn't one.
    const replaced = handler.customizePlan?.(planned, prior, call) ?? [];
    const unchanged = prior !== null && canonical(schema.block, planned) === canonical(schema.block, prior);
    if (!unchanged) markComputed(schema.block, planned, prior);
    const paths: Path[] =
      prior === null || unchanged
        ? []
        : [...replacedPaths(schema.block, handler.forceNew ?? [], prior, planned), ...replaced];
    return {
      planned_state: encodeValue(unchanged ? prior : planned),
      requires_replace: paths.map(wirePath),
      planned_private: request.prior_private,
      // The real providers are built on the SDK for which terraform tolerates defaults in a plan.
      legacy_type_system: true,
    };
  }

  private async apply(request: Request, peer: string, report: Diagnostic[]): Promise<object> {
    const { schema, handler } = await this.resource(request.type_name);
    const config = decodeValue(request.config);
    const call = this.context(peer, schema, report, isValues(config) ? config : {});
    const prior = decodeValue(request.prior_state);
    const planned = decodeValue(request.planned_state);
    try {
      const result = await this.change(peer, request.type_name, handler, call, planned, prior);
      return {
        new_state: encodeValue(result),
        private: request.planned_private,
        legacy_type_system: true,
      };
    } catch (error) {
      if (error instanceof ConnectionReset) throw error;
      report.push(toDiagnostic(error));
      return { new_state: encodeValue(prior), private: request.planned_private, legacy_type_system: true };
    }
  }

  private async change(
    peer: string,
    type: string,
    handler: ResourceHandler,
    call: Call,
    planned: Value,
    prior: Value,
  ): Promise<Value> {
    if (!isValues(planned)) {
      if (!isValues(prior)) return null;
      await this.fault(peer, type, "delete", prior);
      await this.answered(type, "delete", prior, async () => handler.remove(prior, call));
      await this.breakAfterwards(peer, type, "delete", prior);
      return null;
    }
    const operation = isValues(prior) ? "update" : "create";
    await this.fault(peer, type, operation, planned);
    const done = await this.answered(type, operation, planned, async () =>
      isValues(prior) ? handler.update(copy(planned), prior, call) : handler.create(copy(planned), call),
    );
    const result = shape(call.block, done);
    await this.breakAfterwards(peer, type, operation, planned);
    const wrong = deviations(call.block, planned, result, new Set(handler.volatile ?? []));
    if (wrong.length > 0) {
      throw new ProviderError(`The sandbox's ${type} breaks its own plan`, wrong.join("\n"));
    }
    return result;
  }

  private async importState(request: Request, peer: string, report: Diagnostic[]): Promise<object> {
    const { schema, handler } = await this.resource(request.type_name);
    if (!handler.importState) {
      throw new ProviderError(`resource ${request.type_name} doesn't support import`);
    }
    const state = await handler.importState(request.id, this.context(peer, schema, report));
    return {
      imported_resources: [
        {
          type_name: request.type_name,
          state: encodeValue(shape(schema.block, state)),
          private: Buffer.alloc(0),
        },
      ],
    };
  }

  private async readData(request: Request, peer: string, report: Diagnostic[]): Promise<object> {
    const schema = (await this.schema()).data_source_schemas[request.type_name];
    const handler = this.provider.dataSources[request.type_name];
    if (!schema || !handler) throw new ProviderError(`The sandbox has no data source ${request.type_name}`);
    const config = decodeValue(request.config);
    const values = isValues(config) ? config : {};
    await this.fault(peer, request.type_name, "read", values);
    const state = await handler(copy(values), this.context(peer, schema, report));
    await this.breakAfterwards(peer, request.type_name, "read", values);
    return { state: encodeValue(shape(schema.block, state)) };
  }

  private async fault(peer: string, type: string, operation: Operation, values: Values): Promise<void> {
    this.refuseUnconfigured(peer);
    const fault = this.options.faults.take(this.provider.name, type, operation, values, [
      "429",
      "500",
      "timeout",
      "reset",
    ]);
    if (!fault || fault.fault === "crash" || fault.fault === "stall" || fault.fault === "unanswered") return;
    if (fault.fault === "reset") throw new ConnectionReset();
    if (fault.fault === "timeout") await new Promise((resolve) => setTimeout(resolve, FAULT_TIMEOUT_MS));
    throw this.provider.apiFault(fault.fault, type, operation);
  }

  /**
   * Does something in the cloud. Where its answer is to get lost, the client sends the call again as the real one does, which finds
   * that it was carried out.
   */
  private async answered<T>(
    type: string,
    operation: Operation,
    values: Values,
    work: () => Promise<T>,
  ): Promise<T> {
    const { name, repeats } = this.provider;
    for (let repeated = 0; ; repeated++) {
      const result = await work();
      if (!this.options.faults.take(name, type, operation, values, ["unanswered"])) return result;
      if (repeated === repeats) throw this.provider.apiFault("unanswered", type, operation);
    }
  }

  /**
   * What was configured went with the process that crashed. terraform connects again by itself, and would go on with a provider that
   * knows no credentials.
   */
  private refuseUnconfigured(peer: string): void {
    if (!this.configurations.has(peer)) throw new ConnectionReset();
  }

  /** What goes wrong between the change and the answer. */
  private async breakAfterwards(
    peer: string,
    type: string,
    operation: Operation,
    values: Values,
  ): Promise<void> {
    this.refuseUnconfigured(peer);
    const found = this.options.faults.take(this.provider.name, type, operation, values, ["crash", "stall"]);
    if (!found) return;
    // Ends with the connection too: terraform gives up, or is killed.
    if (found.fault === "stall") return this.options.faults.untilTakenOut(found);
    this.crashing ??= new Promise((resolve) => setTimeout(resolve, CRASH_DELAY_MS)).then(() => {
      this.crashing = undefined;
      this.configurations.clear();
      this.options.crash(this.provider);
    });
    await this.crashing;
    throw new ConnectionReset();
  }
}

/** A process that dies takes with it what is under way: so long a `crash` fault waits for calls beside it. */
const CRASH_DELAY_MS = 300;

/** How long a `timeout` fault waits: long enough to be seen, short enough for a test. */
const FAULT_TIMEOUT_MS = 250;

function toDiagnostic(error: unknown): Diagnostic {
  if (error instanceof ProviderError) {
    return { severity: "error", summary: error.message, detail: error.detail, path: error.path };
  }
  if (error instanceof ShapeError) {
    return {
      severity: "error",
      summary: "A value in the sandbox's cloud has the wrong type",
      detail: `${error.message}. Correct it in the cloud's file, or delete the entry there.`,
    };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { severity: "error", summary: `The sandbox failed: ${message}`, detail: stack ?? "" };
}
