import { MASK, merged, type Range } from "./ranges";

/** Whether a text is whole lines with one JSON document, an object or a list: what `--json` prints. */
export function isJsonDocument(text: string): boolean {
  if (!/^\s*[[{]/.test(text) || !/[\]}]\s*\n$/.test(text.slice(-16))) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Fits ranges to a JSON document so that it stays one: in a string they take whole escape sequences and leave the quotes, and what stands
 * outside of strings (a number, say) becomes a string as a whole. Brackets, commas and white space stay: they are no part of a secret that
 * could be read.
 * @param text signs of a byte each (UTF-8)
 * @param found ranges in the text
 * @param find finds ranges in the content of a string: a secret can be written with other escapes than those of its forms
 */
export function fitToJson(
  text: string,
  found: readonly Range[],
  find: (content: string) => readonly Range[],
): Range[] {
  const result: Range[] = [];
  let next = 0;
  const touching = (start: number, end: number): Range[] => {
    const touched: Range[] = [];
    for (let index = next; index < found.length && (found[index] as Range).start < end; index += 1) {
      const range = found[index] as Range;
      if (range.end <= start) next = index + 1;
      else touched.push({ start: Math.max(range.start, start), end: Math.min(range.end, end) });
    }
    return touched;
  };
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const outside = quote < 0 ? text.length : quote;
    const touched = touching(at, outside);
    if (touched.length > 0) result.push(...wholeWords(text.slice(at, outside), at, touched));
    if (quote < 0) break;
    const close = endOfString(text, quote + 1);
    result.push(...fitToString(text.slice(quote + 1, close), quote + 1, touching(quote + 1, close), find));
    at = close + 1;
  }
  return result;
}

/** The place of the quote that ends a string. */
function endOfString(text: string, from: number): number {
  for (let at = from; ; at += 1) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\" && at - slashes > from) slashes += 1;
    if (slashes % 2 === 0) return at;
  }
}

function wholeWords(part: string, offset: number, touched: readonly Range[]): Range[] {
  return [...part.matchAll(/[^\s[\]{}:,]+/g)]
    .map(({ index, 0: word }) => ({
      start: offset + index,
      end: offset + index + word.length,
      mask: `"${MASK}"`,
    }))
    .filter(({ start, end }) => touched.some((range) => range.start < end && range.end > start));
}

function fitToString(
  content: string,
  offset: number,
  touched: readonly Range[],
  find: (content: string) => readonly Range[],
): Range[] {
  if (!content.includes("\\")) return [...touched];
  // Of most strings no more has to be known.
  if (touched.length === 0 && find(bytesOf(`"${content}"`)).length === 0) return [];
  const { decoded, starts, ends } = unescaped(content);
  // Of each place the sign that it is in.
  const signs: number[] = [];
  starts.forEach((start, sign) => {
    for (let at = start; at < (ends[sign] as number); at += 1) signs[at] = sign;
  });
  const whole = (first: number, last: number): Range => ({
    start: offset + (starts[first] as number),
    end: offset + (ends[last] as number),
  });
  return merged([
    ...touched.map(({ start, end }) =>
      whole(signs[start - offset] as number, signs[end - 1 - offset] as number),
    ),
    ...find(decoded).map(({ start, end }) => whole(start, end - 1)),
  ]);
}

const ESCAPE = /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\./g;

/** What a string says, in bytes. What is no UTF-8 in it is lost, which is no part of a secret. */
function bytesOf(literal: string): string {
  const text = Buffer.from(literal, "latin1").toString("utf8");
  return Buffer.from(JSON.parse(text) as string).toString("latin1");
}

/** A string's content without escape sequences, in bytes, and from where to where each byte is written. */
function unescaped(content: string): { decoded: string; starts: number[]; ends: number[] } {
  const parts: string[] = [];
  const [starts, ends]: [number[], number[]] = [[], []];
  const add = (bytes: string, start: number, end: number): void => {
    parts.push(bytes);
    for (let count = 0; count < bytes.length; count += 1) {
      starts.push(start);
      ends.push(end);
    }
  };
  let at = 0;
  const plain = (end: number): void => {
    for (; at < end; at += 1) add(content[at] as string, at, at + 1);
  };
  for (const { index, 0: sequence } of content.matchAll(ESCAPE)) {
    plain(index);
    at = index + sequence.length;
    add(bytesOf(`"${sequence}"`), index, at);
  }
  plain(content.length);
  return { decoded: parts.join(""), starts, ends };
}
