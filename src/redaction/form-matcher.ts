import type { Range } from "./ranges";

/** So many signs of a form are looked up at once; no form is shorter. */
const BEGIN = 8;
const BLOCK = 3;
const BUCKETS = 1 << 16;
const FURTHEST = BEGIN - BLOCK + 1;

/**
 * Finds many forms in a text at once, in time that hardly depends on how many there are (Wu and Manber, "A fast algorithm for
 * multi-pattern searching", 1994): three signs say how far the next begin of a form is at least, so that most of a text is never
 * looked at. One regular expression of all forms tries each of them at each place.
 */
export class FormMatcher {
  private readonly shifts = new Uint8Array(BUCKETS).fill(FURTHEST);
  /** The forms by their first signs, the longest first. */
  private readonly byBegin = new Map<string, string[]>();
  /** What a text can end with, where it is less than BEGIN. */
  private readonly shortBegins = new Set<string>();

  /** Adds a form of 8 signs at least, each of them a byte (0 to 255). A shorter one is left out. */
  add(form: string): void {
    if (form.length < BEGIN) return;
    const begin = form.slice(0, BEGIN);
    const known = this.byBegin.get(begin);
    if (known?.includes(form)) return;
    this.byBegin.set(
      begin,
      [...(known ?? []), form].sort((a, b) => b.length - a.length),
    );
    for (let end = BLOCK; end <= BEGIN; end += 1) {
      const bucket = bucketOf(form, end);
      this.shifts[bucket] = Math.min(this.shifts[bucket] as number, BEGIN - end);
    }
    for (let length = 1; length < BEGIN; length += 1) this.shortBegins.add(form.slice(0, length));
  }

  /**
   * Where forms stand in a text, in the order of their begins; they may overlap.
   * @returns what was found, and the first place from which the rest of the text is the begin of a form that is longer (else its length)
   */
  find(text: string): { readonly ranges: Range[]; readonly unfinished: number } {
    const ranges: Range[] = [];
    let unfinished = text.length;
    let at = 0;
    while (this.byBegin.size > 0 && at + BEGIN <= text.length) {
      const shift = this.shifts[bucketOf(text, at + BEGIN)] as number;
      if (shift > 0) {
        at += shift;
        continue;
      }
      const forms = this.byBegin.get(text.slice(at, at + BEGIN)) ?? [];
      const found = forms.find((form) => text.startsWith(form, at));
      if (found !== undefined) ranges.push({ start: at, end: at + found.length });
      if (at < unfinished && forms.some((form) => reachesBeyond(text, at, form))) unfinished = at;
      at += 1;
    }
    for (let begin = Math.max(0, text.length - BEGIN + 1); begin < unfinished; begin += 1)
      if (this.shortBegins.has(text.slice(begin))) unfinished = begin;
    return { ranges, unfinished };
  }
}

function reachesBeyond(text: string, at: number, form: string): boolean {
  return at + form.length > text.length && form.startsWith(text.slice(at));
}

/** Of the BLOCK signs before a place. */
function bucketOf(text: string, end: number): number {
  return (
    (text.charCodeAt(end - 3) * 961 + text.charCodeAt(end - 2) * 31 + text.charCodeAt(end - 1)) &
    (BUCKETS - 1)
  );
}
