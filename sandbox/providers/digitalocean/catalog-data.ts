import { ProviderError } from "../../protocol/diagnostics";
import { blocks, list, text, type Value, type Values } from "../../protocol/values";
import type { DataSourceHandler } from "../provider";
import { hourlyPrice, REGIONS, SIZES, type Size } from "./catalog";

const TRANSFER_TB_PER_VCPU = 1;

function sizeRow(size: Size): Values {
  return {
    slug: size.slug,
    available: true,
    vcpus: size.vcpus,
    memory: size.memory,
    disk: Math.round(size.disk),
    transfer: size.vcpus * TRANSFER_TB_PER_VCPU,
    price_monthly: size.priceMonthly,
    price_hourly: hourlyPrice(size),
    regions: Object.keys(REGIONS),
  };
}

function matches(value: Value | undefined, wanted: string, how: string): boolean {
  if (Array.isArray(value)) return value.some((entry) => matches(entry, wanted, how));
  const found = String(value);
  if (how === "re") return new RegExp(wanted).test(found);
  return how === "substring" ? found.includes(wanted) : found === wanted;
}

function passes(row: Values, filter: Values): boolean {
  const key = text(filter.key) ?? "";
  if (!(key in row)) throw new ProviderError(`Field '${key}' does not exist in sizes`);
  const how = text(filter.match_by) ?? "exact";
  const tests = list(filter.values).map((wanted) => matches(row[key], text(wanted) ?? "", how));
  return filter.all === true ? tests.every(Boolean) : tests.some(Boolean);
}

function compare(one: Value | undefined, other: Value | undefined): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en");
}

/** Data source `digitalocean_sizes`, with filters and sorting. */
export const sizesData: DataSourceHandler = (config) => {
  const sizes = [...SIZES.values()]
    .map(sizeRow)
    .filter((row) => blocks(config.filter).every((filter) => passes(row, filter)));
  for (const { key, direction } of blocks(config.sort).reverse()) {
    const field = text(key) ?? "";
    sizes.sort((one, other) => compare(one[field], other[field]) * (direction === "desc" ? -1 : 1));
  }
  return { ...config, id: "sizes", sizes };
};

/** Data source `digitalocean_region`. */
export const regionData: DataSourceHandler = (config) => {
  const slug = text(config.slug) ?? "";
  const name = REGIONS[slug];
  if (!name) throw new ProviderError(`Region does not exist: ${slug}`);
  return {
    slug,
    id: slug,
    name,
    available: true,
    features: ["backups", "ipv6", "metadata", "storage"],
    sizes: [...SIZES.keys()],
  };
};
