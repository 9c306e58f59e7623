import { type Alias, type Document, type ErrorCode, visit, type YAMLError } from "yaml";

/** What keeps a YAML text from being what its author means, without anything of the text: it may be a password. */
export interface YamlProblem {
  /** Where it begins in the text. */
  readonly offset: number;
  /** The parser's name for it. */
  readonly code: ErrorCode;
  /** In words, as part of a sentence. */
  readonly reason: string;
}

/** In place of messages of the parser that quote the text. */
const REASONS: Readonly<Partial<Record<ErrorCode, string>>> = {
  TAG_RESOLVE_FAILED: "Unknown tag; a value that begins with ! has to be in quotes",
  BAD_ALIAS: "Unknown anchor; a value that begins with * or & has to be in quotes",
  BAD_DQ_ESCAPE: "Invalid escape sequence; a value with \\ has to be in single quotes",
  BAD_DIRECTIVE: "Unknown directive; a line can't begin with %",
};

/**
 * The first error of a document, or what the parser only warns of: a tag that it doesn't know, and leaves out of the value. A reference to
 * an anchor that isn't there is an error too, which the parser finds no earlier than in `toJS()`, and tells with the text.
 */
export function yamlProblem(document: Document.Parsed): YamlProblem | undefined {
  const [found] = [...document.errors, ...document.warnings];
  if (found) return { offset: found.pos[0], code: found.code, reason: reasonOf(found) };
  const aliases: Alias[] = [];
  visit(document, {
    Alias: (_, alias) => {
      aliases.push(alias);
    },
  });
  if (aliases.length === 0) return undefined;
  const unknown = aliases.find((alias) => alias.resolve(document) === undefined);
  if (unknown) return problemOf(unknown, "BAD_ALIAS", REASONS.BAD_ALIAS);
  try {
    document.toJS();
    return undefined;
  } catch {
    // Aliases of aliases, which a parser gives up on before the memory is full.
    return problemOf(aliases[0], "RESOURCE_EXHAUSTION", "Aliases that stand for too much");
  }
}

function problemOf(alias: Alias | undefined, code: ErrorCode, reason = ""): YamlProblem {
  return { offset: alias?.range?.[0] ?? 0, code, reason };
}

/** The number of the line in which a place of a text is, from 1 on. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function reasonOf({ code, message }: YAMLError): string {
  const reason = REASONS[code];
  if (reason !== undefined) return reason;
  // The parser adds the place, and the line itself below it.
  const words = message.split("\n")[0]?.replace(/(?: at line \d+, column \d+)?:?$/, "") ?? "";
  // "Not a YAML token: …"
  return code === "UNEXPECTED_TOKEN" ? (words.split(": ")[0] ?? "") : words;
}
