/** Remainders of CRC-32 with the polynomial 0x04C11DB7, most significant bit first, one per byte value. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte << 24;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 0x80000000 ? (remainder << 1) ^ 0x04c11db7 : remainder << 1;
  }
  return remainder >>> 0;
});

/** Checksum and size in bytes, as the command `cksum` of POSIX prints them. */
export interface FileSum {
  readonly checksum: number;
  readonly size: number;
}

/**
 * The checksum of the command `cksum` (POSIX.1-2017, XCU cksum): CRC-32 over the bytes and then over their number,
 * complemented. It is the only checksum that every POSIX system can compute without further tools.
 */
export function fileSum(bytes: Uint8Array): FileSum {
  let crc = 0;
  for (let index = 0; index < bytes.length; index++) crc = step(crc, bytes[index] as number);
  for (let rest = bytes.length; rest > 0; rest = Math.floor(rest / 256)) crc = step(crc, rest & 0xff);
  return { checksum: ~crc >>> 0, size: bytes.length };
}

function step(crc: number, byte: number): number {
  return (crc << 8) ^ (REMAINDERS[((crc >>> 24) ^ byte) & 0xff] as number);
}
