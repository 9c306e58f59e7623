import { parseCpu, parseMi } from "./quantities";

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

/**
 * A pod needs what its containers need together, or what its largest init container needs, whichever is more.
 * @param containers those that run as long as the pod, sidecars included
 * @param init those that end before
 */
export function amountOfPod(containers: readonly Amount[], init: readonly Amount[]): Amount {
  return most(sum(containers), init.reduce(most, NOTHING));
}

/**
 * How many nodes pods fit on besides those that are there anyway: the largest pods first, each on the first node with room.
 * Undefined when one is larger than every node.
 */
export function pack(pods: readonly Amount[], node: Amount, given: readonly Amount[]): number | undefined {
  const share = ({ cpu, memory }: Amount): number => Math.max(cpu / node.cpu, memory / node.memory);
  const free: Amount[] = [...given];
  for (const pod of [...pods].sort((a, b) => share(b) - share(a))) {
    const index = free.findIndex(({ cpu, memory }) => pod.cpu <= cpu && pod.memory <= memory);
    if (index >= 0) free[index] = minus(free[index] as Amount, pod);
    else if (pod.cpu <= node.cpu && pod.memory <= node.memory) free.push(minus(node, pod));
    else return undefined;
  }
  return free.length - given.length;
}
