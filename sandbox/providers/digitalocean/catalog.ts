/** Regions that take Kubernetes clusters and VPCs. Source: DigitalOcean's regional availability matrix. */
export const REGIONS: Readonly<Record<string, string>> = {
  ams3: "Amsterdam 3",
  atl1: "Atlanta 1",
  blr1: "Bangalore 1",
  fra1: "Frankfurt 1",
  lon1: "London 1",
  nyc1: "New York 1",
  nyc2: "New York 2",
  nyc3: "New York 3",
  sfo2: "San Francisco 2",
  sfo3: "San Francisco 3",
  sgp1: "Singapore 1",
  syd1: "Sydney 1",
  tor1: "Toronto 1",
};

/** Regions with Spaces. Source: the provider's own list (spaces_entities.go, 2.71.0). */
export const SPACES_REGIONS: readonly string[] = [
  "ams3",
  "atl1",
  "blr1",
  "fra1",
  "lon1",
  "nyc3",
  "sfo2",
  "sfo3",
  "sgp1",
  "syd1",
  "tor1",
];

/** Versions that can be created or upgraded to, newest first, as the API lists them. */
export const KUBERNETES_VERSIONS: readonly string[] = [
  "1.34.1-do.2",
  "1.33.6-do.2",
  "1.32.10-do.2",
  "1.31.9-do.5",
];

/** A size of Droplet. */
export interface Size {
  readonly slug: string;
  readonly vcpus: number;
  /** MiB, as the API counts. */
  readonly memory: number;
  /** GiB. */
  readonly disk: number;
  /** US dollars a month: list prices, for orientation only. */
  readonly priceMonthly: number;
}

const GIB = 1024;
const HOURS_PER_MONTH = 672;

type Row = readonly [slug: string, vcpus: number, memoryGib: number, disk: number, priceMonthly: number];

const SHARED: readonly Row[] = [
  ["1vcpu-1gb", 1, 1, 25, 6],
  ["1vcpu-2gb", 1, 2, 50, 12],
  ["2vcpu-2gb", 2, 2, 60, 18],
  ["2vcpu-4gb", 2, 4, 80, 24],
  ["4vcpu-8gb", 4, 8, 160, 48],
  ["8vcpu-16gb", 8, 16, 320, 96],
];

/** Families whose sizes are multiples of one: slug, GiB of memory a vCPU, GiB of disk a vCPU, dollars a vCPU. */
const FAMILIES: ReadonlyArray<
  readonly [family: string, memory: number, disk: number, price: number, vcpus: number[]]
> = [
  ["g", 4, 12.5, 31.5, [2, 4, 8, 16, 32, 40, 48, 60]],
  ["gd", 4, 25, 34, [2, 4, 8, 16, 32, 40, 48, 60]],
  ["m", 8, 25, 42, [2, 4, 8, 16, 24, 32]],
  ["m3", 8, 75, 52, [2, 4, 8, 16, 24, 32]],
  ["m6", 8, 150, 65.5, [2, 4, 8, 16, 24, 32]],
  ["so", 8, 150, 65.5, [2, 4, 8, 16, 24, 32]],
  ["so1_5", 8, 225, 81.5, [2, 4, 8, 16, 24, 32]],
  ["c2", 2, 50, 23.5, [2, 4, 8, 16, 32, 48, 60]],
];

const GPUS: readonly Row[] = [
  ["gpu-4000adax1-20gb", 8, 32, 500, 565],
  ["gpu-6000adax1-48gb", 8, 64, 500, 1168],
  ["gpu-l40sx1-48gb", 8, 64, 500, 1168],
  ["gpu-h100x1-80gb", 20, 240, 720, 2522],
  ["gpu-h100x8-640gb", 160, 1920, 2046, 17795],
  ["gpu-h200x1-141gb", 24, 240, 720, 2559],
  ["gpu-h200x8-1128gb", 192, 1920, 2046, 20475],
  ["gpu-mi300x1-192gb", 20, 240, 720, 1481],
  ["gpu-mi300x8-1536gb", 160, 1920, 2046, 11850],
];

function rows(): Row[] {
  const shared = ["", "-amd", "-intel"].flatMap((variant) =>
    SHARED.map(
      ([slug, vcpus, memory, disk, price]): Row => [
        `s-${slug}${variant}`,
        vcpus,
        memory,
        disk,
        variant === "" ? price : Math.ceil(price * 1.17),
      ],
    ),
  );
  const families = FAMILIES.flatMap(([family, memory, disk, price, counts]) =>
    counts.map(
      (vcpus): Row => [
        `${family}-${vcpus}vcpu-${vcpus * memory}gb`,
        vcpus,
        vcpus * memory,
        vcpus * disk,
        vcpus * price,
      ],
    ),
  );
  const cpu = [2, 4, 8, 16, 32, 48].map(
    (vcpus): Row => [`c-${vcpus}`, vcpus, vcpus * 2, vcpus * 12.5, vcpus * 21],
  );
  return [
    ...shared,
    ["s-4vcpu-16gb-amd", 4, 16, 200, 84],
    ["s-8vcpu-32gb-amd", 8, 32, 400, 168],
    ["s-4vcpu-16gb-320gb-intel", 4, 16, 320, 96],
    ...families,
    ...cpu,
    ...GPUS,
  ];
}

/** Sizes of Droplets, by slug. Source: DigitalOcean's list of Droplet plans. */
export const SIZES: ReadonlyMap<string, Size> = new Map(
  rows().map(([slug, vcpus, memory, disk, priceMonthly]) => [
    slug,
    { slug, vcpus, memory: memory * GIB, disk, priceMonthly },
  ]),
);

/** US dollars an hour. */
export const hourlyPrice = (size: Size): number =>
  Math.round((size.priceMonthly / HOURS_PER_MONTH) * 100_000) / 100_000;

/** The smallest memory of a worker node, MiB. Source: DigitalOcean's "Kubernetes Limits". */
export const MINIMUM_NODE_MEMORY = 2 * GIB;
