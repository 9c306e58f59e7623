import type { FormMatcher } from "./form-matcher";
import { fitToJson, isJsonDocument } from "./json-text";
import { findKnown, type KnownFound, knownRanges, type OpenSecret } from "./known-forms";
import { MASK, merged, type Range } from "./ranges";

/**
 * Redacts a text that comes in pieces, wherever they are cut. The end of a piece that may be the begin of a secret is held back until
 * more comes, or until letGo(). What was let go is remembered: when it turns out to be the begin of a secret after all, the rest of that is
 * masked, so that no secret is ever given out whole. At most the length of the longest form is held.
 *
 * The text is one of bytes: each sign stands for one (latin1), so that pieces may be cut within a character, and what is no UTF-8 stays
 * as it is.
 */
export class Redactor {
  /** The end of what was given: nothing is settled in it yet. */
  private kept = "";
  /** So many signs of it were given out already, or masked. */
  private done = 0;
  /** The last one that was done was masked: a range that goes on from there needs no new mask. */
  private isMasked = false;
  private open: readonly OpenSecret[] = [];
  private isAtLineBegin = true;

  constructor(private readonly forms: FormMatcher) {}

  /** Whether something is held back. */
  get holds(): boolean {
    return this.kept.length > this.done;
  }

  /** What can be given out now. A piece that is lines with a JSON document, as `--json` prints it, stays one and is given out at once. */
  push(piece: string): string {
    return this.take(piece, false);
  }

  /** Everything that is held back. */
  letGo(): string {
    return this.take("", true);
  }

  private take(piece: string, isLast: boolean): string {
    const text = this.kept + piece;
    const border = this.kept.length;
    const { ranges: values, unfinished: unfinishedValue } = this.forms.find(text);
    const known = findKnown(text, this.open, isLast);
    let ranges = merged([...values, ...known.ranges]);
    const keepFrom = keptFrom(Math.min(unfinishedValue, known.unfinished), known);
    const isJson = this.isAtLineBegin && isJsonDocument(piece);
    if (isJson) ranges = this.fitted(text, border, ranges);
    const { out, end, isMasked } = this.giveOut(text, ranges, isLast || isJson ? text.length : keepFrom);
    this.isMasked = isMasked;
    this.kept = text.slice(keepFrom);
    if (piece !== "") this.isAtLineBegin = piece.endsWith("\n");
    this.done = Math.max(0, end - keepFrom);
    this.open = known.open
      .filter(({ start }) => start < keepFrom)
      .map((open) => ({ ...open, at: open.at - keepFrom }));
    return out;
  }

  private fitted(text: string, border: number, ranges: readonly Range[]): Range[] {
    const before = ranges
      .filter(({ start }) => start < border)
      .map(({ start, end }) => ({ start, end: Math.min(end, border) }));
    const inside = ranges
      .filter(({ end }) => end > border)
      .map(({ start, end }) => ({ start: Math.max(0, start - border), end: end - border }));
    const content = (decoded: string): Range[] =>
      merged([...this.forms.find(decoded).ranges, ...knownRanges(decoded)]);
    const fitted = fitToJson(text.slice(border), inside, content);
    return [
      ...before,
      ...fitted.map((range) => ({ ...range, start: range.start + border, end: range.end + border })),
    ];
  }

  /** The text from what is done up to a place, and up to the end of the range that is there. */
  private giveOut(
    text: string,
    ranges: readonly Range[],
    to: number,
  ): { out: string; end: number; isMasked: boolean } {
    const parts: string[] = [];
    let [at, isMasked] = [this.done, this.isMasked];
    for (const { start, end, mask = MASK } of ranges) {
      if (start >= to) break;
      if (end <= at) continue;
      if (start >= at) parts.push(text.slice(at, start), mask);
      // It began in what is done.
      else if (!isMasked) parts.push(mask);
      [at, isMasked] = [end, true];
    }
    if (at < to) {
      parts.push(text.slice(at, to));
      isMasked = false;
    }
    return { out: parts.join(""), end: Math.max(at, to), isMasked };
  }
}

/** What a secret is known by is kept when its begin is: nothing would know it any more, where a longer one could have begun in that. */
function keptFrom(unfinished: number, { ranges }: KnownFound): number {
  return ranges
    .toSorted((a, b) => b.lead - a.lead)
    .reduce((from, { lead, start }) => (lead < from && from <= start ? lead : from), unfinished);
}
