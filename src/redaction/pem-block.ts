/** The line that a private key in PEM begins with. */
export const PEM_BEGIN = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/g;

const END = /-----END [A-Z ]{0,40}PRIVATE KEY-----/;
/** No key is longer, even where each end of a line is written as `\\n`. */
const LONGEST_BLOCK = 32_768;
/** What a log, a diff, a quotation or YAML puts before a line. */
const MARGIN = "[ \\t|>+~#\"'-]*";
/** Lines of a key have 64 signs (RFC 7468) or 70 (OpenSSH); only its last one is shorter. */
const WHOLE_LINE = 40;
const LONGEST_LINE = 120;
const KEY_LINE = new RegExp(`^${MARGIN}([A-Za-z0-9+/=]*)[ \\t"',]*$`);
const HEADER_LINE = new RegExp(`^${MARGIN}(?:Proc-Type|DEK-Info): .*$`);
/** A line that has not ended, and may still become one of a key, or its end. */
const GROWING_LINE = new RegExp(`^${MARGIN}[A-Za-z0-9+/=]*(?:[ \\t"',]*|\\\\.{0,7}|-.{0,60}|\\r)$`);
const KEY_PART = new RegExp(`^${MARGIN}[A-Za-z0-9+/=]{16,}`);
/** The end of a line, also of one in a text that is written as JSON. */
const LINE_END = /\r?\n|(?:\\+r)?\\+n/g;

/** How far a block goes on, and whether it goes on behind the text. */
export interface PemBlock {
  /** Up to here all is of the key. */
  readonly end: number;
  /** The text ends before the block does. */
  readonly open: boolean;
  /** The begin of its last line, of which nothing can be said before it has ended: from there it has to be read again. */
  readonly line: number;
  /** The last line of the key was there: nothing but the line of its end may follow. */
  readonly ending: boolean;
}

/**
 * Where a block ends whose content goes on at a place: behind its last line, or where there is something that is no part of a key, so that a
 * message that only mentions the first line swallows nothing that is said later.
 * @param isLast nothing follows this text: what may be of the key is
 */
export function pemBlock(text: string, from: number, wasEnding: boolean, isLast: boolean): PemBlock {
  const end = END.exec(text.slice(from, from + LONGEST_BLOCK));
  if (end) return closed(from + end.index + end[0].length);
  let [at, ending] = [from, wasEnding];
  for (;;) {
    LINE_END.lastIndex = at;
    const separator = LINE_END.exec(text);
    if (separator === null) break;
    const line = text.slice(at, separator.index);
    const [, content] = KEY_LINE.exec(line) ?? [];
    const fits = HEADER_LINE.test(line) || (content !== undefined && (content === "" || !ending));
    if (!fits) return closed(at + partOfKey(line));
    if (content && content.length < WHOLE_LINE) ending = true;
    at = LINE_END.lastIndex;
  }
  return unfinishedLine(text, at, ending, isLast);
}

function unfinishedLine(text: string, line: number, ending: boolean, isLast: boolean): PemBlock {
  const rest = text.slice(line);
  if (rest.length > LONGEST_LINE) {
    // Some write the whole key into one line. Its last signs are read again, so that what follows is known as a part of that line.
    if (KEY_LINE.test(rest))
      return { end: text.length, open: true, line: text.length - LONGEST_LINE - 1, ending: false };
    const end = line + partOfKey(rest);
    if (isLast || end === line || !GROWING_LINE.test(rest)) return closed(end);
    return { end, open: true, line: Math.max(line, end - LONGEST_LINE), ending };
  }
  if (!isLast) return { end: line, open: true, line, ending };
  return GROWING_LINE.test(rest)
    ? { end: text.length, open: true, line, ending }
    : closed(line + partOfKey(rest));
}

function closed(end: number): PemBlock {
  return { end, open: false, line: end, ending: false };
}

/** A key that is cut off, `MIIEvQIBADANBgkqhkiG9w0B…` say, is no whole line of it. */
function partOfKey(line: string): number {
  return KEY_PART.exec(line)?.[0].length ?? 0;
}
