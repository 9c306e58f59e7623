import { escapeRegex, markTokens, unmark } from "./token-replacement";

/** What stands in a configured file where its original has placeholders: placeholder → the texts. */
export type Captures = ReadonlyMap<string, ReadonlySet<string>>;

/** A name as a project has it: a host, an address, a cluster, a repository. */
export const ANY_NAME = "[A-Za-z0-9][A-Za-z0-9._@/:+-]*";

/** Lines of generated data are compared as a whole only. */
const LONGEST_LINE = 10_000;

/**
 * Compares a file with its original line by line: are they the same, but for the placeholders?
 * @param texts both as latin1
 * @param placeholders all that there are
 * @param patternOf the regular expression of what may have taken a placeholder's place
 * @returns what has, or undefined when something else differs, as in a file that was edited
 */
export function captureNames(
  texts: { readonly original: string; readonly live: string },
  placeholders: Iterable<string>,
  patternOf: (placeholder: string) => string,
): Captures | undefined {
  const { marked, table } = markTokens(
    texts.original,
    [...placeholders].map((placeholder) => ({ placeholder, value: placeholder })),
  );
  const templates = marked.split("\n");
  const lines = texts.live.split("\n");
  if (templates.length !== lines.length) return undefined;
  const captures = new Map<string, Set<string>>();
  for (const [index, template] of templates.entries()) {
    const line = lines[index] as string;
    const plain = unmark(template, (number) => table[number]?.placeholder ?? "");
    const numbers: number[] = [];
    if (plain === line && !template.includes("\x02")) continue;
    if (line.length > LONGEST_LINE) return undefined;
    // Markers stay, and what is between them is taken literally.
    const source = template
      .split(/(\x01\d*\x02)/)
      .map((part) => {
        const number = /^\x01(\d*)\x02$/.exec(part)?.[1];
        if (number === undefined) return escapeRegex(part);
        if (number === "") return "\\x01";
        numbers.push(Number(number) - 1);
        return `(${patternOf(table[Number(number) - 1]?.placeholder ?? "")})`;
      })
      .join("");
    const match = new RegExp(`^${source}$`, "s").exec(line);
    if (match === null) return undefined;
    for (const [group, number] of numbers.entries()) {
      const placeholder = table[number]?.placeholder ?? "";
      captures.set(placeholder, (captures.get(placeholder) ?? new Set()).add(match[group + 1] ?? ""));
    }
  }
  return captures;
}
