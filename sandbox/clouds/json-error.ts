/** Where a text stops being JSON, and why. */
export interface JsonError {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

const SPACE = /[ \t\r\n]*/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

class Stop extends Error {
  constructor(
    readonly offset: number,
    reason: string,
  ) {
    super(reason);
  }
}

/** Reads a text as JSON only to find where it goes wrong: the engine's own message doesn't always tell the place. */
class Reader {
  private offset = 0;

  constructor(private readonly text: string) {}

  document(): void {
    this.value();
    this.match(SPACE);
    if (this.offset < this.text.length) this.stop("nothing may follow the end of the value");
  }

  private value(): void {
    this.match(SPACE);
    if (this.take("{")) this.members("}", true);
    else if (this.take("[")) this.members("]", false);
    else if (this.text[this.offset] === '"') this.string();
    else if (!this.match(SCALAR)) this.stop("a value is missing");
  }

  private members(close: string, named: boolean): void {
    this.match(SPACE);
    if (this.take(close)) return;
    do {
      this.match(SPACE);
      if (named) {
        this.string();
        this.match(SPACE);
        if (!this.take(":")) this.stop('":" is missing');
      }
      this.value();
      this.match(SPACE);
    } while (this.take(","));
    if (!this.take(close)) this.stop(`"," or "${close}" is missing`);
  }

  private string(): void {
    if (!this.match(STRING)) this.stop("a string in double quotes is missing or isn't ended");
  }

  private take(character: string): boolean {
    if (this.text[this.offset] !== character) return false;
    this.offset += 1;
    return true;
  }

  private match(pattern: RegExp): boolean {
    pattern.lastIndex = this.offset;
    const found = pattern.exec(this.text);
    if (found) this.offset = pattern.lastIndex;
    return found !== null && found[0] !== "";
  }

  private stop(reason: string): never {
    throw new Stop(this.offset, reason);
  }
}

/** Finds the first error of a text that isn't JSON. */
export function locateJsonError(text: string): JsonError {
  try {
    new Reader(text).document();
  } catch (error) {
    if (error instanceof Stop) {
      return { line: text.slice(0, error.offset).split("\n").length, reason: error.message };
    }
    // A text nested deeper than the stack: the place doesn't matter.
  }
  return { line: 1, reason: "it can't be read" };
}
