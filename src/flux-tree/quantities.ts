import { parseCpu, parseMi } from "../config/quantities";

/** What pods ask for or may use. */
export interface Amount {
  /** Millicores. */
  readonly cpu: number;
  /** Mi. */
  readonly memory: number;
}

export const NOTHING: Amount = { cpu: 0, memory: 0 };

/** The amount of a `requests` or `limits` mapping; what it doesn't name counts as nothing. */
export function amountOf(quantities: unknown): Amount {
  const { cpu, memory } = (quantities ?? {}) as { cpu?: unknown; memory?: unknown };
  return { cpu: parseCpu(String(cpu)) ?? 0, memory: parseMi(String(memory)) ?? 0 };
}

export function plus(one: Amount, other: Amount): Amount {
  return { cpu: one.cpu + other.cpu, memory: one.memory + other.memory };
}

export function minus(one: Amount, other: Amount): Amount {
  return { cpu: one.cpu - other.cpu, memory: one.memory - other.memory };
}

export function times(amount: Amount, factor: number): Amount {
  return { cpu: amount.cpu * factor, memory: amount.memory * factor };
}

/** Of each the larger one. */
export function most(one: Amount, other: Amount): Amount {
  return { cpu: Math.max(one.cpu, other.cpu), memory: Math.max(one.memory, other.memory) };
}

export function sum(amounts: readonly Amount[]): Amount {
  return amounts.reduce(plus, NOTHING);
}

/** `1250m CPU and 2048Mi memory` */
export function formatAmount({ cpu, memory }: Amount): string {
  return `${Math.ceil(cpu)}m CPU and ${Math.ceil(memory)}Mi memory`;
}
