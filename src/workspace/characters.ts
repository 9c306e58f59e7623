/** Characters that look like nothing or like another one, by their names in Unicode. */
const NAMES: Readonly<Record<number, string>> = {
  9: "TAB",
  10: "LINE FEED",
  13: "CARRIAGE RETURN",
  32: "SPACE",
  160: "NO-BREAK SPACE",
  171: "LEFT-POINTING DOUBLE ANGLE QUOTATION MARK",
  173: "SOFT HYPHEN",
  180: "ACUTE ACCENT",
  187: "RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK",
  8203: "ZERO WIDTH SPACE",
  8204: "ZERO WIDTH NON-JOINER",
  8205: "ZERO WIDTH JOINER",
  8206: "LEFT-TO-RIGHT MARK",
  8207: "RIGHT-TO-LEFT MARK",
  8208: "HYPHEN",
  8209: "NON-BREAKING HYPHEN",
  8211: "EN DASH",
  8212: "EM DASH",
  8216: "LEFT SINGLE QUOTATION MARK",
  8217: "RIGHT SINGLE QUOTATION MARK",
  8218: "SINGLE LOW-9 QUOTATION MARK",
  8220: "LEFT DOUBLE QUOTATION MARK",
  8221: "RIGHT DOUBLE QUOTATION MARK",
  8222: "DOUBLE LOW-9 QUOTATION MARK",
  8230: "HORIZONTAL ELLIPSIS",
  8232: "LINE SEPARATOR",
  8233: "PARAGRAPH SEPARATOR",
  8239: "NARROW NO-BREAK SPACE",
  8288: "WORD JOINER",
  12288: "IDEOGRAPHIC SPACE",
  65279: "ZERO WIDTH NO-BREAK SPACE",
};

/** A character as a message names it, also one that can't be seen: `$`, `U+00A0 NO-BREAK SPACE`. */
export function characterName(character: string): string {
  if (/^[!-~]$/.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  const number = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return NAMES[code] === undefined ? number : `${number} ${NAMES[code]}`;
}

/** The number of a character within a text, from 1, as people count: a pair of surrogates is one. */
export function characterNumber(text: string, index: number): number {
  return [...text.slice(0, index)].length + 1;
}

/** The first character of a text that no token has, by name and place, and nothing else of it; undefined when all are fine. */
export function foreignToTokens(text: string): string | undefined {
  const found = /[^A-Za-z0-9_.=+/~-]/u.exec(text);
  return found === null
    ? undefined
    : `${characterName(found[0])} (character ${characterNumber(text, found.index)})`;
}
