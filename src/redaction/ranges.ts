/** What stands in a text where a secret was. */
export const MASK = "***";

/** A part of a text that nobody may read: from `start` up to, and without, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
  /** What stands there instead; default `***`. */
  readonly mask?: string;
}

/** The ranges in their order, those that overlap as one: a secret that begins in another one is concealed with it. */
export function merged(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last === undefined || range.start >= last.end) result.push(range);
    else if (range.end > last.end) result[result.length - 1] = { ...last, end: range.end };
  }
  return result;
}
