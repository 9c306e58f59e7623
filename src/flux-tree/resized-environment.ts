import type { Environment, ResourceProfile } from "../config";
import { formatCpu, parseCpu, parseMi } from "../config/quantities";

/** The environment with every resource a little larger: what changes with it follows the dynamic configuration. */
export function resizedEnvironment(environment: Environment): Environment {
  return {
    ...environment,
    resourceProfiles: mapValues(environment.resourceProfiles, resized),
    applications: mapValues(environment.applications, (application) => ({
      ...application,
      resources: resized(application.resources),
    })),
  };
}

function resized({ requests, limits }: ResourceProfile): ResourceProfile {
  return { requests: mapValues(requests, larger), limits: mapValues(limits, larger) };
}

function larger(quantity: string, name: string): string {
  const millicores = name === "cpu" ? parseCpu(quantity) : undefined;
  if (millicores !== undefined) return formatCpu(millicores + 1);
  const mi = name === "memory" ? parseMi(quantity) : undefined;
  return mi === undefined ? quantity : `${Math.ceil(mi) + 1}Mi`;
}

function mapValues<Value, Result>(
  values: Readonly<Record<string, Value>>,
  change: (value: Value, key: string) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value, key)]));
}

/** A value with `${dynamic}` wherever the other one differs. */
export function markDifferences(value: unknown, other: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => markDifferences(item, Array.isArray(other) ? other[index] : undefined));
  }
  if (typeof value === "object" && value !== null) {
    const counterpart = (typeof other === "object" && other !== null ? other : {}) as Record<string, unknown>;
    return mapValues(value as Record<string, unknown>, (inner, key) =>
      markDifferences(inner, counterpart[key]),
    );
  }
  return value === other ? value : "${dynamic}";
}
