const CONJUNCTION = new Intl.ListFormat("en-GB", { type: "conjunction" });

/** Words as a sentence lists them: `a`, `a and b`, `a, b and c`. */
export function listOf(words: readonly string[]): string {
  return CONJUNCTION.format(words);
}
