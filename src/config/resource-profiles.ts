import type { StorageClassName } from "./application-catalogue";
import { allocatable, type NodeSize } from "./node-sizes";
import { formatCpu, formatMemory, formatStorage } from "./quantities";

/** What a container asks for and may use at most; the two are always equal (Guaranteed quality of service). */
export interface ResourceProfile {
  readonly requests: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
}

export interface Storage {
  readonly storageClass: string;
  /** A quantity in Gi or Ti. */
  readonly size: string;
}

/** DigitalOcean's block storage, the default StorageClass of a DOKS cluster. */
export const BLOCK_STORAGE = "do-block-storage";

/** The node that the seed's table is made for; other sizes scale it. */
const REFERENCE = { vcpus: 4, memoryGi: 8 };

/** Profiles on the reference node: millicores and Mi. Source: the table of the original workflow document. */
const REFERENCE_PROFILES = {
  small: { cpu: 500, memory: 512 },
  medium: { cpu: 1000, memory: 1024 },
  large: { cpu: 2000, memory: 2048 },
} as const;

/** Volumes on the reference node in Gi. Source: the same table. */
const REFERENCE_STORAGE: Readonly<Record<StorageClassName, number>> = { fast: 10, bulk: 100 };

/** Scaled values are rounded to these steps, so that nobody has to read 437m or 389Mi. */
const CPU_STEP = 50;
const MEMORY_STEP = 64;

export const DERIVED_PROFILES = Object.keys(REFERENCE_PROFILES) as ReadonlyArray<
  keyof typeof REFERENCE_PROFILES
>;

/** Equal requests and limits from quantities; extended resources become strings, as the Kubernetes API wants them. */
export function profileOf(resources: Readonly<Record<string, string | number>>): ResourceProfile {
  const quantities = Object.fromEntries(
    Object.entries(resources).map(([name, value]) => [name, String(value)]),
  );
  return { requests: quantities, limits: quantities };
}

/**
 * The profiles small, medium and large for a node size: CPU scales with its vCPUs, memory with its memory, both
 * rounded to whole steps and never above what a node of that size has for pods.
 */
export function profilesFor(node: NodeSize): Record<string, ResourceProfile> {
  const room = allocatable(node);
  return Object.fromEntries(
    Object.entries(REFERENCE_PROFILES).map(([name, { cpu, memory }]) => [
      name,
      profileOf({
        cpu: formatCpu(toStep((cpu * node.vcpus) / REFERENCE.vcpus, CPU_STEP, room.cpu)),
        memory: formatMemory(toStep((memory * node.memoryGi) / REFERENCE.memoryGi, MEMORY_STEP, room.memory)),
      }),
    ]),
  );
}

/** The storage classes fast and bulk for a node size: sizes scale with the node's memory, in whole Gi, at least 1. */
export function storageFor(node: NodeSize): Record<StorageClassName, Storage> {
  const scaled = (name: StorageClassName): Storage => ({
    storageClass: BLOCK_STORAGE,
    size: formatStorage(
      Math.max(1, Math.round((REFERENCE_STORAGE[name] * node.memoryGi) / REFERENCE.memoryGi)),
    ),
  });
  return { fast: scaled("fast"), bulk: scaled("bulk") };
}

function toStep(value: number, step: number, most: number): number {
  const rounded = Math.max(step, Math.round(value / step) * step);
  return Math.min(rounded, Math.floor(most / step) * step);
}
