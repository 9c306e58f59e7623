import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { withTemporaryFolder } from "./temporary-folder";

/** A deploy notes what terraform begins to create: what is read late is noted late. */
const LOOKED_AT_EVERY_MS = 20;
const PIECE_BYTES = 64 * 1024;

/** A file that another process writes while this one reads it. */
export interface NamelessFile {
  /** What the other process gets as its output. */
  readonly descriptor: number;
  /** What is written, as it comes; fails when it can't be read. */
  readonly stream: Readable;
  /** Called when the other process has ended: what is left is read, and the stream ends. */
  readonly end: () => void;
}

/**
 * Opens a file that has no name any more, so that nothing of it is left however both processes end. A process that writes into a pipe
 * is killed (SIGPIPE) as soon as it has something to say and its reader is gone; one that writes here goes on to its end.
 * @throws Error when the folder of temporary files can't be written
 */
export async function openNamelessFile(): Promise<NamelessFile> {
  const [descriptor, reader] = await withTemporaryFolder("output", (folder) => {
    const path = join(folder, "lines");
    return [openSync(path, "wx", 0o600), openSync(path, "r")] as const;
  });
  const stream = new PassThrough();
  const piece = Buffer.alloc(PIECE_BYTES);
  const readOn = (): void => {
    try {
      for (;;) {
        const length = readSync(reader, piece, 0, PIECE_BYTES, null);
        if (length === 0) return;
        stream.write(Buffer.from(piece.subarray(0, length)));
      }
    } catch (error) {
      stream.destroy(error as Error);
    }
  };
  const timer = setInterval(readOn, LOOKED_AT_EVERY_MS);
  return {
    descriptor,
    stream,
    end: () => {
      clearInterval(timer);
      readOn();
      stream.end();
      closeSync(reader);
      closeSync(descriptor);
    },
  };
}
