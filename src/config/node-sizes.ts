import { nearest } from "./problem";

/** What one node of a size offers. */
export interface NodeSize {
  /** DigitalOcean's slug, such as `s-4vcpu-8gb`. */
  readonly slug: string;
  readonly vcpus: number;
  /** Memory of the Droplet in GiB (DigitalOcean writes `gb`). */
  readonly memoryGi: number;
  /** Devices that a pod can ask for as an extended resource, such as `{ "nvidia.com/gpu": 1 }`. */
  readonly extendedResources: Readonly<Record<string, number>>;
}

/** What pods can use of one node. */
export interface Allocatable {
  /** Millicores. */
  readonly cpu: number;
  /** Mi. */
  readonly memory: number;
}

const size = (slug: string, vcpus: number, memoryGi: number, extendedResources = {}): NodeSize => ({
  slug,
  vcpus,
  memoryGi,
  extendedResources,
});

/** Slugs that don't say their size. Source: DigitalOcean's Droplet sizes (`doctl compute size list`). */
const CPU_OPTIMIZED = [2, 4, 8, 16, 32, 48].map((vcpus) => size(`c-${vcpus}`, vcpus, vcpus * 2));
const GPU = [
  size("gpu-4000adax1-20gb", 8, 32, { "nvidia.com/gpu": 1 }),
  size("gpu-6000adax1-48gb", 8, 64, { "nvidia.com/gpu": 1 }),
  size("gpu-l40sx1-48gb", 8, 64, { "nvidia.com/gpu": 1 }),
  size("gpu-h100x1-80gb", 20, 240, { "nvidia.com/gpu": 1 }),
  size("gpu-h100x8-640gb", 160, 1920, { "nvidia.com/gpu": 8 }),
  size("gpu-h200x1-141gb", 24, 240, { "nvidia.com/gpu": 1 }),
  size("gpu-h200x8-1128gb", 192, 1920, { "nvidia.com/gpu": 8 }),
  size("gpu-mi300x1-192gb", 20, 240, { "amd.com/gpu": 1 }),
  size("gpu-mi300x8-1536gb", 160, 1920, { "amd.com/gpu": 8 }),
];

/** Sizes that are common for worker nodes; what a misspelt size is compared with. */
const COMMON = [
  "s-1vcpu-2gb",
  "s-2vcpu-2gb",
  "s-2vcpu-4gb",
  "s-4vcpu-8gb",
  "s-8vcpu-16gb",
  "s-2vcpu-4gb-amd",
  "s-4vcpu-8gb-amd",
  "s-8vcpu-16gb-amd",
  "s-2vcpu-4gb-intel",
  "s-4vcpu-8gb-intel",
  "s-8vcpu-16gb-intel",
  "g-2vcpu-8gb",
  "g-4vcpu-16gb",
  "g-8vcpu-32gb",
  "g-16vcpu-64gb",
  "gd-2vcpu-8gb",
  "gd-4vcpu-16gb",
  "m-2vcpu-16gb",
  "m-4vcpu-32gb",
  "m-8vcpu-64gb",
  "so-2vcpu-16gb",
  "so-4vcpu-32gb",
];

/** `s-4vcpu-8gb`, `s-4vcpu-16gb-320gb-intel`, `so1_5-2vcpu-16gb`: family, vCPUs, memory, variant. */
const READABLE_SLUG =
  /^(?:s|g|gd|m|m3|m6|so|so1_5|c|c2)-([1-9]\d{0,2})vcpu-([1-9]\d{0,3})gb(?:-\d{2,4}gb)?(?:-(?:amd|intel))?$/;

/** The smallest node that DigitalOcean's managed Kubernetes takes has 2 GiB. */
const MINIMUM_MEMORY_GI = 2;

/** Well above the largest Droplets there are: what is larger is a typing error. */
const MOST_VCPUS = 512;
const MOST_MEMORY_GI = 4096;

/**
 * The size of a slug: from the tables where the slug doesn't say it, else read from the slug itself, so that a size
 * which DigitalOcean adds later works. Returns undefined when it can't be read or is too small for Kubernetes.
 */
export function nodeSize(slug: string): NodeSize | undefined {
  const listed = [...CPU_OPTIMIZED, ...GPU].find((entry) => entry.slug === slug);
  if (listed) return listed;
  const match = READABLE_SLUG.exec(slug);
  if (!match) return undefined;
  const [vcpus, memoryGi] = [Number(match[1]), Number(match[2])];
  return memoryGi >= MINIMUM_MEMORY_GI && vcpus <= MOST_VCPUS && memoryGi <= MOST_MEMORY_GI
    ? size(slug, vcpus, memoryGi)
    : undefined;
}

/** Slugs like a misspelt one, nearest first; some common ones when nothing is near. */
export function nearSizes(slug: string): string[] {
  const near = nearest(slug, [
    ...COMMON,
    ...CPU_OPTIMIZED.map((entry) => entry.slug),
    ...GPU.map((entry) => entry.slug),
  ]);
  return near.length > 0 ? near : COMMON.slice(2, 5);
}

/**
 * Allocatable memory in GiB by the Droplet's memory in GiB: DigitalOcean's "Kubernetes Limits" page, allocatable
 * memory per worker node. Between the rows and beyond them it is interpolated.
 */
const ALLOCATABLE_MEMORY: ReadonlyArray<readonly [number, number]> = [
  [2, 1],
  [4, 2.5],
  [8, 6],
  [16, 13],
  [32, 28],
  [64, 59],
  [128, 119],
  [192, 180],
];

/** DigitalOcean keeps about a tenth of a core per node for the kubelet and the system. */
const RESERVED_MILLICORES = 100;

/** What pods can use of a node of this size (daemon sets of the system included). */
export function allocatable({ vcpus, memoryGi }: NodeSize): Allocatable {
  return { cpu: vcpus * 1000 - RESERVED_MILLICORES, memory: Math.floor(interpolate(memoryGi) * 1024) };
}

function interpolate(memoryGi: number): number {
  const last = ALLOCATABLE_MEMORY.length - 1;
  const upper = ALLOCATABLE_MEMORY.findIndex(([memory]) => memory >= memoryGi);
  const index = upper === -1 ? last : Math.max(upper, 1);
  const [lowerMemory, lowerUsable] = ALLOCATABLE_MEMORY[index - 1] as readonly [number, number];
  const [upperMemory, upperUsable] = ALLOCATABLE_MEMORY[index] as readonly [number, number];
  const slope = (upperUsable - lowerUsable) / (upperMemory - lowerMemory);
  return lowerUsable + (memoryGi - lowerMemory) * slope;
}
