/** Shorter values could be words that are printed for another reason, such as `admin` or `2525`. */
const LEAST_LENGTH = 8;
/** A part of a base64 text that is shorter could stand in any other one. */
const LEAST_ENCODED_LENGTH = 8;

/** How signs are written in XML's text and attributes, and in HTML and XML of Go's templates and encoders. */
const ENTITIES: readonly Readonly<Record<string, string>>[] = [
  { "&": "&amp;", "<": "&lt;", ">": "&gt;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" },
];

/**
 * Every form in which a secret value can turn up in a text: as it is, as in JSON and Go's JSON, also where that is a string in JSON again (a
 * log's line about a body), in XML and HTML, quoted for a shell, in an address, as hexadecimal digits, as Go prints bytes, and in base64: at each
 * of the three places where it can begin in a group (`Basic` authorization encodes it behind the user's name), and broken into lines.
 * @returns nothing for a value of less than 8 characters
 */
export function formsOf(value: string): string[] {
  const lines = value.includes("\n") ? value.split("\n").map((line) => line.trim()) : [];
  return [
    ...new Set(
      [value, value.trim(), ...lines].filter(({ length }) => length >= LEAST_LENGTH).flatMap(encodings),
    ),
  ];
}

function encodings(value: string): string[] {
  const bytes = Buffer.from(value);
  const json = inJson(value);
  const goJson = json.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
  const hex = bytes.toString("hex");
  return [
    value,
    json,
    goJson,
    inJson(json),
    inJson(goJson),
    ...ENTITIES.map((entities) => value.replace(/[<>&"']/g, (sign) => entities[sign] ?? sign)),
    value.replaceAll("'", "'\\''"),
    encodeURIComponent(value),
    encodeURIComponent(value).replace(/%[0-9A-F]{2}/g, (sign) => sign.toLowerCase()),
    encodeURIComponent(value).toLowerCase(),
    new URLSearchParams([["", value]]).toString().slice(1),
    hex,
    hex.toUpperCase(),
    ...goDumps(bytes),
    ...[0, 1, 2].flatMap((offset) => base64At(bytes, offset)),
    ...wrappedBase64(bytes),
  ].filter(({ length }) => length >= LEAST_LENGTH);
}

/** How Go prints bytes: `[]uint8{0x41, 0x47}`, `[65 71]`, a list in JSON, `% x`, and quoted with escapes. */
function goDumps(bytes: Buffer): string[] {
  const [digits, hex] = [[...bytes], [...bytes].map((byte) => byte.toString(16))];
  const padded = hex.map((byte) => byte.padStart(2, "0"));
  return [
    ...[hex, padded].map((each) => each.map((byte) => `0x${byte}`).join(", ")),
    ...[" ", ",", ", "].map((separator) => digits.join(separator)),
    padded.join(" "),
    padded.map((byte) => `\\x${byte}`).join(""),
  ];
}

/** Lines of a long base64 text, at the lengths that MIME, PEM and Go's YAML break it. */
function wrappedBase64(bytes: Buffer): string[] {
  const text = bytes.toString("base64");
  return [60, 64, 70, 76].filter((length) => text.length > length).flatMap((length) => linesOf(text, length));
}

function linesOf(text: string, length: number): string[] {
  return text.match(new RegExp(`.{1,${length}}`, "g")) ?? [];
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** What is the same in every base64 text that has these bytes behind 0, 1 or 2 others of a group: without the ends, which mix. */
function base64At(bytes: Buffer, offset: number): string[] {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
  const begin = offset === 0 ? 0 : 4;
  const whole = Math.floor((offset + bytes.length) / 3) * 4;
  const inner = text.slice(begin, whole);
  const ended = text.slice(begin).replace(/=+$/, "");
  // The padded end as well, where nothing follows.
  return [ended, inner]
    .filter(({ length }) => length >= LEAST_ENCODED_LENGTH)
    .flatMap((one) => [one, one.replaceAll("+", "-").replaceAll("/", "_")]);
}
