import fc from "fast-check";
import { bytesToText, textToBytes } from "../../src/static-configuration/byte-text";

test("any bytes come back as they were, and UTF-8 reads as what it is", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
      expect(textToBytes(bytesToText(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(bytesToText(Buffer.from(text))).toBe(text);
    }),
  );
});

test("one bad byte among good ones, cut-off sequences and halves of pairs", () => {
  for (const bytes of [
    [0x63, 0xe9, 0x2e],
    [0xf0, 0x9f, 0x98],
    [0xf0, 0x9f, 0x98, 0x80, 0xff],
    [0xed, 0xb2, 0x80],
    [0xc3],
  ]) {
    expect([...textToBytes(bytesToText(Buffer.from(bytes)))]).toEqual(bytes);
  }
  expect(bytesToText(Buffer.from([0x63, 0xe9, 0x2e]))).toBe("c\udce9.");
});
