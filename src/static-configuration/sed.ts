import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { sorted, type TokenReplacement } from "./token-replacement";

/** How many bytes one sed gets at most, unless one file alone has more. */
const BATCH = 32 * 1024 * 1024;

/** Letters of a token, as sed's brackets want them. */
const WORD = "A-Za-z0-9_\x01\x02";

/**
 * The replacements as a script for `sed -E`, for the seds of GNU, BSD, macOS and busybox. One pass: every placeholder becomes a marker
 * (byte 1, number, byte 2), longest first and in a loop, because neighbours share the character between them. Then the markers become
 * the values, so that a value is never searched again.
 * @param replacements as latin1, the bytes of the script
 */
export function sedScript(replacements: readonly TokenReplacement[]): string {
  const table = sorted(replacements);
  const lines = table.map(({ placeholder }, index) => {
    const before = `([^${WORD}-])`;
    const after = `([^${WORD}.-]|[.][^A-Za-z0-9\x01])`;
    return `:a${index}\ns/${before}${pattern(placeholder)}${after}/\\1\x01${index + 1}\x02\\2/g\nta${index}\n`;
  });
  return [
    `/(${table.map(({ placeholder }) => pattern(placeholder)).join("|")})/!b\n`,
    "s/\x01/\x01\x02/g\ns/^/\x03/\ns/$/\x03/\n",
    ...lines,
    "s/^\x03//\ns/\x03$//\n",
    ...table.map(({ value }, index) => `s/\x01${index + 1}\x02/${value.replace(/[/&\\]/g, "\\$&")}/g\n`),
    "s/\x01\x02/\x01/g\n",
  ].join("");
}

/**
 * Runs one sed over many texts, each of which it gives back changed. They go through it in one stream, divided by lines of control
 * characters, so that ten thousand files are no ten thousand processes.
 * @param scriptFile where the script may be written
 * @throws Error when sed can't be run or fails
 */
export function runSed(
  replacements: readonly TokenReplacement[],
  texts: readonly Buffer[],
  scriptFile: string,
): Buffer[] {
  writeFileSync(scriptFile, sedScript(replacements), "latin1");
  const results = batches(texts).flatMap((batch) => runOnce(batch, scriptFile));
  rmSync(scriptFile);
  return results;
}

function runOnce(texts: readonly Buffer[], scriptFile: string): Buffer[] {
  let line = "\x04\x05\x06";
  while (texts.some((text) => text.includes(line))) line += "\x05\x06";
  // One more line end for each, so that the last line of every text has one.
  const divider = Buffer.from(`\n${line}\n`);
  const result = spawnSync("sed", ["-E", "-f", scriptFile], {
    input: Buffer.concat(texts.flatMap((text) => [text, divider])),
    maxBuffer: Number.POSITIVE_INFINITY,
    env: { ...process.env, LC_ALL: "C" },
  });
  if (result.error || result.status !== 0) {
    const reason =
      result.stderr?.toString().trim() ||
      result.error?.message ||
      `it ended with ${result.signal ?? result.status}`;
    throw new Error(
      `sed failed (${reason}), nothing was changed; see that it is installed and free memory, then run again`,
    );
  }
  const parts: Buffer[] = [];
  let start = 0;
  for (let end = result.stdout.indexOf(divider); end >= 0; end = result.stdout.indexOf(divider, start)) {
    parts.push(result.stdout.subarray(start, end));
    start = end + divider.length;
  }
  return parts;
}

function batches(texts: readonly Buffer[]): Buffer[][] {
  const all: Buffer[][] = [[]];
  let size = 0;
  for (const text of texts) {
    size += text.length;
    if (size > BATCH) {
      all.push([]);
      size = text.length;
    }
    all.at(-1)?.push(text);
  }
  return all;
}

/** A text as an extended regular expression between slashes. */
function pattern(text: string): string {
  return text.replace(/[/^\\]/g, "\\$&").replace(/[.[*$+?(){|]/g, "[$&]");
}
