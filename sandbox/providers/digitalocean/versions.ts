/** Numbers and the part after the dash of `1.34.1-do.2`; undefined when it isn't a version. */
function parseVersion(text: string): { numbers: number[]; extra: string[] } | undefined {
  const match = /^v?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.-]+))?$/.exec(text);
  if (!match?.[1]) return undefined;
  return { numbers: match[1].split(".").map(Number), extra: match[2]?.split(".") ?? [] };
}

function comparePart(one: string | undefined, other: string | undefined): number {
  if (one === other) return 0;
  if (one === undefined) return -1;
  if (other === undefined) return 1;
  const [a, b] = [Number(one), Number(other)];
  if (Number.isNaN(a) || Number.isNaN(b)) return one < other ? -1 : 1;
  return a - b;
}

/**
 * Compares two versions as the provider does (semantic versioning): negative when the first is lower. A version with
 * something after the dash is lower than the one without. Undefined when one of them is no version.
 */
export function compareVersions(one: string, other: string): number | undefined {
  const [a, b] = [parseVersion(one), parseVersion(other)];
  if (!a || !b) return undefined;
  for (let index = 0; index < Math.max(a.numbers.length, b.numbers.length); index++) {
    const difference = (a.numbers[index] ?? 0) - (b.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.extra.length === 0 || b.extra.length === 0) return b.extra.length - a.extra.length;
  for (let index = 0; index < Math.max(a.extra.length, b.extra.length); index++) {
    const difference = comparePart(a.extra[index], b.extra[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Major and minor of a version as numbers. */
export function minorOf(version: string): readonly [number, number] {
  const [major = 0, minor = 0] = parseVersion(version)?.numbers ?? [];
  return [major, minor];
}
