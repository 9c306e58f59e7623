import type { ConfigurationRecord } from "./record";
import { captureNames } from "./rendering";
import { asLatin1, escapeRegex, isToken, replaceTokens, type TokenReplacement } from "./token-replacement";

/** A value that was written once and that no placeholder has any more. */
export interface OldName {
  readonly text: string;
  /** What stands in its place now. */
  readonly value: string;
  /** Among the values that were written last: its change is the one that is at hand. */
  readonly last: boolean;
  /** It can't be told what it became, or whether it has been replaced already. */
  readonly unclear: boolean;
}

/**
 * What is known of a project's names: the table, and what the record says was written before. All texts are latin1, as the bytes of the
 * files are read.
 */
export class Names {
  /** Placeholder → its value, also of placeholders that only the record knows any more (an environment that was taken out). */
  private readonly values: ReadonlyMap<string, string>;
  private readonly known: ReadonlyMap<string, readonly string[]>;
  /** Replaces what changes anything. */
  readonly table: readonly TokenReplacement[];
  /** The table as it was written last. */
  private readonly before: readonly TokenReplacement[];
  readonly old: readonly OldName[];
  /** The values that there are now. */
  readonly current: readonly string[];
  readonly placeholders: readonly string[];
  /** Placeholders that no value resembles: only they can be told from values in a file that was configured and edited. */
  readonly clearTable: readonly TokenReplacement[];

  constructor(replacements: readonly TokenReplacement[], record: ConfigurationRecord) {
    const latin1 = (map: ReadonlyMap<string, readonly string[]>) =>
      new Map([...map].map(([key, list]) => [asLatin1(key), list.map(asLatin1)] as const));
    const [written, former] = [latin1(record.values), latin1(record.former)];
    this.before = [...written].map(([placeholder, [value = ""]]) => ({ placeholder, value }));
    this.values = new Map([
      ...this.before.map(({ placeholder, value }) => [placeholder, value] as const),
      ...replacements.map(({ placeholder, value }) => [asLatin1(placeholder), asLatin1(value)] as const),
    ]);
    this.table = toTable(this.values).filter(({ placeholder, value }) => placeholder !== value);
    const all = (placeholder: string) => [
      ...(written.get(placeholder) ?? []),
      ...(former.get(placeholder) ?? []),
    ];
    this.known = new Map(
      [...this.values].map(([placeholder, value]) => [placeholder, [value, ...all(placeholder)]]),
    );
    this.old = this.oldNames(written);
    this.current = [...new Set(this.values.values())].filter(isToken);
    this.placeholders = [...this.values.keys()];
    const texts = [...this.known.values()].flat().filter((text) => text !== "");
    this.clearTable = this.table.filter(
      ({ placeholder }) => !texts.some((text) => text.includes(placeholder) || placeholder.includes(text)),
    );
  }

  /** The value of a placeholder. */
  valueOf(placeholder: string): string {
    return this.values.get(placeholder) ?? placeholder;
  }

  /** Whether a text was ever written for a placeholder, or is the placeholder itself. */
  isKnown(placeholder: string, text: string): boolean {
    return text === placeholder || (this.known.get(placeholder) ?? []).includes(text);
  }

  /** Whether a file is nothing but its original with values in it that were written at any time. */
  isRendering(original: string, live: string): boolean {
    if (replaceTokens(original, this.before) === live) return true;
    // One of the user's own that got a new name: its original holds the former one.
    const former = this.old.map(({ text, value }) => ({ placeholder: text, value }));
    if (former.length > 0 && replaceTokens(original, [...this.before, ...former]) === live) return true;
    const patternOf = (placeholder: string) => {
      // One that joined the table later was rendered by the shorter ones in it.
      const without = this.before.filter((one) => one.placeholder !== placeholder);
      const texts = [
        ...(this.known.get(placeholder) ?? []),
        placeholder,
        replaceTokens(placeholder, without),
      ];
      return [...new Set(texts)]
        .sort((a, b) => b.length - a.length)
        .map(escapeRegex)
        .join("|");
    };
    return captureNames({ original, live }, this.placeholders, patternOf) !== undefined;
  }

  private oldNames(written: ReadonlyMap<string, readonly string[]>): OldName[] {
    const targets = new Map<string, Set<string>>();
    for (const [placeholder, texts] of this.known)
      for (const text of texts)
        targets.set(text, (targets.get(text) ?? new Set()).add(this.values.get(placeholder) ?? ""));
    const current = new Set(this.values.values());
    return [...targets]
      .filter(([text]) => isToken(text) && !current.has(text))
      .map(([text, values]) => ({
        text,
        value: [...values][0] ?? "",
        last: [...written.values()].some((list) => list.includes(text)),
        unclear: values.size > 1 || this.values.has(text),
      }));
  }
}

const toTable = (map: ReadonlyMap<string, string>): TokenReplacement[] =>
  [...map].map(([placeholder, value]) => ({ placeholder, value }));
