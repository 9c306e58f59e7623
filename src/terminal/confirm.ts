import { createInterface } from "node:readline/promises";

/** Whether there is a person at the keyboard. */
export function isInteractive(): boolean {
  return Boolean(process.stdin.isTTY && process.stderr.isTTY);
}

/** Asks a question that only the full word answers; anything else, and Ctrl-C, is a no. */
export async function confirm(question: string, word = "yes"): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const aborted = new AbortController();
  terminal.on("SIGINT", () => aborted.abort());
  terminal.on("close", () => aborted.abort());
  try {
    return (await terminal.question(`${question} (${word}/no) `, { signal: aborted.signal })).trim() === word;
  } catch {
    process.stderr.write("\n");
    return false;
  } finally {
    terminal.close();
  }
}
