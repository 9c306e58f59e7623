const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};
const MI = 2 ** 20;

/**
 * Millicores of a Kubernetes CPU quantity: `"500m"` → 500, `"2"` → 2000, `"0.5"` → 500.
 * Returns undefined when it isn't one (or isn't above zero).
 */
export function parseCpu(quantity: string): number | undefined {
  const match = /^(\d+(?:\.\d{1,3})?)(m?)$/.exec(quantity);
  if (!match) return undefined;
  const millicores = match[2] === "m" ? Number(match[1]) : Number(match[1]) * 1000;
  return Number.isInteger(millicores) && millicores > 0 ? millicores : undefined;
}

/**
 * Mi (mebibytes, may be a fraction) of a Kubernetes memory or storage quantity: `"1Gi"` → 1024, `"512Mi"` → 512.
 * Returns undefined when it isn't one (or isn't above zero). A fraction is allowed with a unit (`"1.5Gi"`).
 */
export function parseMi(quantity: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(quantity);
  if (!match) return undefined;
  const unit = BYTES_PER_UNIT[match[2] ?? ""] ?? 1;
  const bytes = Number(match[1]) * unit;
  return bytes > 0 ? bytes / MI : undefined;
}

/** A CPU quantity in millicores: 1000 → `"1000m"` (the seed document's form). */
export function formatCpu(millicores: number): string {
  return `${millicores}m`;
}

/** A memory quantity: 512 → `"512Mi"`, 2048 → `"2Gi"`. Takes whole Mi. */
export function formatMemory(mi: number): string {
  return mi % 1024 === 0 ? `${mi / 1024}Gi` : `${mi}Mi`;
}

/** A storage quantity in whole Gi: 10 → `"10Gi"`. */
export function formatStorage(gi: number): string {
  return `${gi}Gi`;
}
