import { fromJSON, type PackageDefinition } from "@grpc/proto-loader";

/**
 * The part of Terraform's plugin protocol 6 that the stand-ins speak, as a protobuf descriptor in code: the sandbox is
 * bundled into one file and can't read a .proto beside it. Field numbers are those of protocol version 6; messages
 * and fields that terraform never sends to a provider without functions or ephemeral resources are left out.
 */

/** `name: "type number"`, or `name: "repeated type number"`. */
type Fields = Readonly<Record<string, string>>;

interface ProtobufType {
  fields: Record<string, { type: string; id: number; rule?: "repeated"; keyType?: string }>;
  oneofs?: Record<string, { oneof: string[] }>;
  nested?: Record<string, unknown>;
}

function message(fields: Fields, nested?: Record<string, unknown>): ProtobufType {
  const result: ProtobufType = { fields: {} };
  for (const [name, declaration] of Object.entries(fields)) {
    const words = declaration.split(" ");
    const id = Number(words.pop());
    const type = words.pop() ?? "";
    const map = words[0] === "map";
    result.fields[name] = {
      type,
      id,
      ...(words[0] === "repeated" ? { rule: "repeated" as const } : {}),
      ...(map ? { keyType: "string" } : {}),
    };
  }
  if (nested) result.nested = nested;
  return result;
}

/** A remote call has its request and its response nested in a message of the call's name. */
const call = (request: Fields, response: Fields, nested: Record<string, unknown> = {}) =>
  message({}, { Request: message(request), Response: message(response), ...nested });

const DIAGNOSTICS = "repeated Diagnostic";

const CALLS: Record<string, ProtobufType> = {
  GetProviderSchema: call(
    {},
    {
      provider: "Schema 1",
      resource_schemas: "map Schema 2",
      data_source_schemas: "map Schema 3",
      diagnostics: `${DIAGNOSTICS} 4`,
      server_capabilities: "ServerCapabilities 6",
    },
  ),
  ValidateProviderConfig: call({ config: "DynamicValue 1" }, { diagnostics: `${DIAGNOSTICS} 2` }),
  ValidateResourceConfig: call(
    { type_name: "string 1", config: "DynamicValue 2" },
    { diagnostics: `${DIAGNOSTICS} 1` },
  ),
  ValidateDataResourceConfig: call(
    { type_name: "string 1", config: "DynamicValue 2" },
    { diagnostics: `${DIAGNOSTICS} 1` },
  ),
  UpgradeResourceState: call(
    { type_name: "string 1", version: "int64 2", raw_state: "RawState 3" },
    { upgraded_state: "DynamicValue 1", diagnostics: `${DIAGNOSTICS} 2` },
  ),
  ConfigureProvider: call(
    { terraform_version: "string 1", config: "DynamicValue 2" },
    { diagnostics: `${DIAGNOSTICS} 1` },
  ),
  ReadResource: call(
    { type_name: "string 1", current_state: "DynamicValue 2", private: "bytes 3" },
    { new_state: "DynamicValue 1", diagnostics: `${DIAGNOSTICS} 2`, private: "bytes 3" },
  ),
  PlanResourceChange: call(
    {
      type_name: "string 1",
      prior_state: "DynamicValue 2",
      proposed_new_state: "DynamicValue 3",
      config: "DynamicValue 4",
      prior_private: "bytes 5",
    },
    {
      planned_state: "DynamicValue 1",
      requires_replace: "repeated AttributePath 2",
      planned_private: "bytes 3",
      diagnostics: `${DIAGNOSTICS} 4`,
      legacy_type_system: "bool 5",
    },
  ),
  ApplyResourceChange: call(
    {
      type_name: "string 1",
      prior_state: "DynamicValue 2",
      planned_state: "DynamicValue 3",
      config: "DynamicValue 4",
      planned_private: "bytes 5",
    },
    {
      new_state: "DynamicValue 1",
      private: "bytes 2",
      diagnostics: `${DIAGNOSTICS} 3`,
      legacy_type_system: "bool 4",
    },
  ),
  ImportResourceState: call(
    { type_name: "string 1", id: "string 2" },
    { imported_resources: "repeated ImportedResource 1", diagnostics: `${DIAGNOSTICS} 2` },
    { ImportedResource: message({ type_name: "string 1", state: "DynamicValue 2", private: "bytes 3" }) },
  ),
  ReadDataSource: call(
    { type_name: "string 1", config: "DynamicValue 2" },
    { state: "DynamicValue 1", diagnostics: `${DIAGNOSTICS} 2` },
  ),
  StopProvider: call({}, { Error: "string 1" }),
};

const SCHEMA = message(
  { version: "int64 1", block: "Block 2" },
  {
    Block: message({
      version: "int64 1",
      attributes: "repeated Attribute 2",
      block_types: "repeated NestedBlock 3",
    }),
    Attribute: message({
      name: "string 1",
      type: "bytes 2",
      required: "bool 4",
      optional: "bool 5",
      computed: "bool 6",
      sensitive: "bool 7",
      write_only: "bool 11",
    }),
    NestedBlock: message({
      type_name: "string 1",
      block: "Block 2",
      nesting: "int32 3",
      min_items: "int64 4",
      max_items: "int64 5",
    }),
  },
);

const STEP = {
  ...message({ attribute_name: "string 1", element_key_string: "string 2", element_key_int: "int64 3" }),
  oneofs: { selector: { oneof: ["attribute_name", "element_key_string", "element_key_int"] } },
};

/** Loads the service definition that a gRPC server serves for one provider. */
export function providerService(): PackageDefinition {
  const methods = Object.fromEntries(
    Object.keys(CALLS).map((name) => [
      name,
      { requestType: `${name}.Request`, responseType: `${name}.Response` },
    ]),
  );
  return fromJSON(
    {
      nested: {
        tfplugin6: {
          nested: {
            DynamicValue: message({ msgpack: "bytes 1", json: "bytes 2" }),
            RawState: message({ json: "bytes 1" }),
            Diagnostic: message({
              severity: "int32 1",
              summary: "string 2",
              detail: "string 3",
              attribute: "AttributePath 4",
            }),
            AttributePath: message({ steps: "repeated Step 1" }, { Step: STEP }),
            ServerCapabilities: message({ plan_destroy: "bool 1", get_provider_schema_optional: "bool 2" }),
            Schema: SCHEMA,
            ...CALLS,
            Provider: { methods },
          },
        },
      },
    } as Parameters<typeof fromJSON>[0],
    { keepCase: true, longs: Number, enums: Number, defaults: true, oneofs: true },
  );
}
