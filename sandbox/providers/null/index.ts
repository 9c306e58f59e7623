import { randomInt } from "node:crypto";
import { ProviderError } from "../../protocol/diagnostics";
import type { ProviderSchema } from "../../protocol/schema";
import type { ProviderDefinition } from "../provider";

/** Ids of the real provider are random numbers of this many digits or fewer. */
const LARGEST_ID = 2 ** 47;

const newId = (): string => String(randomInt(1, LARGEST_ID));

/** The stand-in of hashicorp/null: a resource that is nothing but its state. */
export function nullProvider(): ProviderDefinition {
  return {
    name: "null",
    address: "registry.terraform.io/hashicorp/null",
    schema: async () => (await import("../../schemas/null.json")).default as unknown as ProviderSchema,
    resources: {
      null_resource: {
        forceNew: ["triggers"],
        create: (planned) => ({ ...planned, id: newId() }),
        read: (state) => state,
        update: (planned) => planned,
        remove: () => undefined,
      },
    },
    dataSources: {
      null_data_source: (config) => ({
        ...config,
        id: "static",
        random: newId(),
        outputs: config.inputs ?? null,
        has_computed_default: config.has_computed_default ?? "default",
      }),
    },
    repeats: 0,
    apiFault: (kind, type, operation) =>
      new ProviderError(
        `${operation} of ${type} failed: ${kind === "timeout" ? "context deadline exceeded" : kind}`,
      ),
  };
}
