import type { Redactor } from "./redactor";

/** The part of a stream that is redacted. */
export type RedactableStream = Pick<NodeJS.WriteStream, "write"> &
  Partial<Pick<NodeJS.WriteStream, "end" | "writableNeedDrain">>;

type Callback = (error?: Error | null) => void;

/** So long a prompt or a progress line without an end may wait. A program that writes a secret in two goes does it faster. */
const HOLD_MS = 25;

/**
 * Redacts everything that this process writes to a stream, whichever module writes it: the one place that no message, no error of a
 * library and no diagnostic of terraform gets past. Wherever a text is cut into writes, no secret in it is written: what may be the begin
 * of one waits for the next write, for 25 ms, or for the end of the process. The callback of a write is called when all of that is written.
 */
export function redactStream(stream: RedactableStream, redactor: Redactor): void {
  const write = stream.write.bind(stream) as (chunk: Buffer, done?: Callback) => boolean;
  const end = stream.end?.bind(stream) as ((done?: Callback) => unknown) | undefined;
  let waiting: Callback[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isExiting = false;

  const give = (text: string): boolean => {
    const callbacks = redactor.holds ? [] : waiting;
    if (callbacks.length > 0) waiting = [];
    const done = (error?: Error | null): void => {
      for (const one of callbacks) one(error);
    };
    // Without a text there is nothing to write but the callbacks, which keep their order through the stream.
    if (text !== "" || callbacks.length > 0)
      return write(Buffer.from(text, "latin1"), callbacks.length > 0 ? done : undefined);
    return stream.writableNeedDrain !== true;
  };
  const letGo = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (redactor.holds) give(redactor.letGo());
  };
  const take = (bytes: Buffer, callback: Callback | undefined): boolean => {
    clearTimeout(timer);
    timer = undefined;
    if (callback) waiting.push(callback);
    const settled = redactor.push(bytes.toString("latin1"));
    // There is no later any more.
    const result = give(isExiting ? settled + redactor.letGo() : settled);
    if (redactor.holds) {
      timer = setTimeout(letGo, HOLD_MS);
      // The process may end while a text is held, which its end gives out; not while somebody waits for that.
      if (waiting.length === 0) timer.unref();
    }
    return result;
  };

  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) =>
    take(bytesOf(chunk, rest[0]), rest.find(isCallback))) as typeof stream.write;
  if (end)
    stream.end = ((...rest: unknown[]) => {
      const callback = rest.find(isCallback);
      if (rest.length > 0 && !isCallback(rest[0]) && rest[0] !== undefined && rest[0] !== null)
        take(bytesOf(rest[0] as string | Uint8Array, rest[1]), undefined);
      letGo();
      return end(callback);
    }) as typeof stream.end;
  // Where a stream writes later, behind this one's turn, the end of the process would be too late.
  process.on("beforeExit", letGo);
  process.on("exit", () => {
    isExiting = true;
    letGo();
  });
}

function isCallback(value: unknown): value is Callback {
  return typeof value === "function";
}

function bytesOf(chunk: string | Uint8Array, encoding: unknown): Buffer {
  if (typeof chunk === "string")
    return Buffer.from(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8");
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
