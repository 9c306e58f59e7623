import { createInterface } from "node:readline/promises";

/** Whether there is a person at the keyboard. */
export function isInteractive(): boolean {
  return Boolean(process.stdin.isTTY && process.stderr.isTTY);
}

/** Asks a question that is answered with a line; undefined when it was not answered (Ctrl-C, the end of the input). */
export async function ask(question: string): Promise<string | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const aborted = new AbortController();
  terminal.on("SIGINT", () => aborted.abort());
  terminal.on("close", () => aborted.abort());
  try {
    return (await terminal.question(question, { signal: aborted.signal })).trim();
  } catch {
    process.stderr.write("\n");
    return undefined;
  } finally {
    terminal.close();
  }
}

/** Asks a question that only the full word answers; anything else, and Ctrl-C, is a no. */
export async function confirm(question: string, word = "yes"): Promise<boolean> {
  return (await ask(`${question} (${word}/no) `)) === word;
}
