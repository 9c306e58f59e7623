import { distance } from "fastest-levenshtein";

/** One thing that is wrong with the configuration: where, what, and what would be right. */
export interface Problem {
  /** Path in the document, such as `environments[0].cluster.nodeSize`; the file's name for the file itself. */
  readonly path: string;
  /** What is wrong, without a final stop. */
  readonly problem: string;
  /** What would be right, without a final stop. */
  readonly expected: string;
}

/** Thrown when the configuration can't be used. It carries every problem that was found, not only the first. */
export class ConfigurationError extends Error {
  constructor(
    readonly file: string,
    readonly problems: readonly Problem[],
  ) {
    super(
      `${file}: ${problems.length} ${problems.length === 1 ? "problem" : "problems"}\n${problems
        .map((problem) => `  ${formatProblem(problem)}`)
        .join("\n")}`,
    );
    this.name = "ConfigurationError";
  }
}

/** A problem as one line: `path: problem, expected …`. Control characters are shown escaped, never printed raw. */
export function formatProblem({ path, problem, expected }: Problem): string {
  return printable(`${path}: ${problem}, expected ${expected}`);
}

/** A value as it can be shown in a message: quoted, escaped, cut at 60 characters. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…${text.startsWith('"') ? '"' : ""}` : text;
}

/**
 * The candidates that a misspelt word most likely meant, nearest first, at most `count`.
 * Only words within a third of the word's length (at least 2 edits) count, so that nothing far-fetched is suggested.
 */
export function nearest(word: string, candidates: readonly string[], count = 3): string[] {
  const limit = Math.max(2, Math.floor(word.length / 3));
  return candidates
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ edits }) => edits <= limit)
    .sort((a, b) => a.edits - b.edits || a.candidate.localeCompare(b.candidate))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** `one of a, b, c`, or the nearest ones when there are any: `"nyc3" (did you mean that?) or …`. */
export function oneOf(word: unknown, candidates: readonly string[]): string {
  const near = typeof word === "string" ? nearest(word, candidates) : [];
  return near.length > 0
    ? `${near.map(show).join(" or ")} (nearest of ${candidates.length})`
    : `one of ${candidates.join(", ")}`;
}

/** The path of a value in the document: `["environments", 0, "name"]` → `environments[0].name`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const key = String(part);
    const plain = /^[A-Za-z_$][\w$-]*$/.test(key);
    if (!plain) return `${text}[${JSON.stringify(key)}]`;
    return text === "" ? key : `${text}.${key}`;
  }, "");
}

function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]/g, (character) => JSON.stringify(character).slice(1, -1));
}
