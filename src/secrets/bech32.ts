/** Bech32 (BIP 173), the encoding that age writes its keys in. */
const ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const;
const CHECKSUM_LENGTH = 6;

/** Encodes bytes, in lower case. */
export function encodeBech32(prefix: string, bytes: Uint8Array): string {
  const words = regroup(bytes, 8, 5, true) as number[];
  const checked = [...expand(prefix), ...words, ...new Array<number>(CHECKSUM_LENGTH).fill(0)];
  const checksum = polymod(checked) ^ 1;
  const tail = Array.from(
    { length: CHECKSUM_LENGTH },
    (_, index) => (checksum >> (5 * (CHECKSUM_LENGTH - 1 - index))) & 31,
  );
  return `${prefix}1${[...words, ...tail].map((word) => ALPHABET[word]).join("")}`;
}

/** The bytes of a text in upper or lower case; undefined when it isn't Bech32 with this prefix. */
export function decodeBech32(prefix: string, text: string): Buffer | undefined {
  if (text !== text.toLowerCase() && text !== text.toUpperCase()) return undefined;
  const lower = text.toLowerCase();
  if (!lower.startsWith(`${prefix}1`)) return undefined;
  const words = [...lower.slice(prefix.length + 1)].map((character) => ALPHABET.indexOf(character));
  if (words.includes(-1) || words.length < CHECKSUM_LENGTH) return undefined;
  if (polymod([...expand(prefix), ...words]) !== 1) return undefined;
  const bytes = regroup(words.slice(0, -CHECKSUM_LENGTH), 5, 8, false);
  return bytes && Buffer.from(bytes);
}

function expand(prefix: string): number[] {
  const codes = [...prefix].map((character) => character.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function polymod(values: readonly number[]): number {
  let checksum = 1;
  for (const value of values) {
    const top = checksum >>> 25;
    checksum = ((checksum & 0x1ffffff) << 5) ^ value;
    GENERATOR.forEach((factor, bit) => {
      if ((top >> bit) & 1) checksum ^= factor;
    });
  }
  return checksum >>> 0;
}

/** Bits in groups of another width; undefined when what is left over at the end isn't zero padding. */
function regroup(values: Iterable<number>, from: number, to: number, pad: boolean): number[] | undefined {
  let [held, bits] = [0, 0];
  const result: number[] = [];
  for (const value of values) {
    held = ((held << from) | value) & 0xfff;
    bits += from;
    while (bits >= to) {
      bits -= to;
      result.push((held >> bits) & ((1 << to) - 1));
    }
  }
  const rest = (held << (to - bits)) & ((1 << to) - 1);
  if (pad && bits > 0) result.push(rest);
  return !pad && (bits >= from || rest !== 0) ? undefined : result;
}
