import { isUtf8 } from "node:buffer";

/** The first of the code units that stand for a byte which is not UTF-8: U+DC80 for 0x80 up to U+DCFF for 0xFF. */
const BYTE_BASE = 0xdc00;
const STANDS_FOR_BYTE = /([\udc80-\udcff])/;

/**
 * Bytes as text: UTF-8, with each byte that is not part of it as a lone surrogate (as Python's "surrogateescape", PEP 383). Names
 * of files on Linux are bytes, and what reads them as plain UTF-8 doesn't find the file again. {@link textToBytes} is the reverse.
 */
export function bytesToText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  let start = 0;
  for (let index = 0; index < bytes.length; ) {
    const length = sequenceLength(bytes[index] as number);
    if (isUtf8(bytes.subarray(index, index + length))) {
      index += length;
      continue;
    }
    text += bytes.toString("utf8", start, index) + String.fromCharCode(BYTE_BASE + (bytes[index] as number));
    index += 1;
    start = index;
  }
  return text + bytes.toString("utf8", start);
}

/** The bytes of a text that {@link bytesToText} made. */
export function textToBytes(text: string): Buffer {
  if (!STANDS_FOR_BYTE.test(text)) return Buffer.from(text);
  // With the u flag, halves of a pair (an emoji) are no lone surrogates.
  const parts = text.split(new RegExp(STANDS_FOR_BYTE, "u"));
  return Buffer.concat(
    parts.map((part, index) =>
      index % 2 === 1 ? Buffer.from([part.charCodeAt(0) - BYTE_BASE]) : Buffer.from(part),
    ),
  );
}

/** How many bytes a sequence of UTF-8 has by its first one (RFC 3629). */
function sequenceLength(first: number): number {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}
