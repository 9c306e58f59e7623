import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

/** Whether this is a terminal, with a person who can answer. */
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

/** Thrown by the questions below on Ctrl-C. */
export class Stopped extends Error {
  constructor() {
    super("Stopped.");
    this.name = "Stopped";
  }
}

/**
 * Asks a question that Enter, `y` and `yes` answer with yes; the end of the input is a no.
 * @throws Stopped on Ctrl-C
 */
export async function agrees(question: string): Promise<boolean> {
  const answer = await readLine(question, process.stdout);
  return answer !== undefined && /^(?:y|yes)?$/i.test(answer.trim());
}

/**
 * Asks for a line that is not shown while it is typed. The terminal is as it was afterwards, whatever happens.
 * @returns the line; empty at the end of the input
 * @throws Stopped on Ctrl-C
 */
export async function askUnseen(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const answer = await readLine(question, nowhere);
  process.stdout.write("\n");
  return answer ?? "";
}

/** readline takes the terminal's own echo away; what is typed is shown where it is told to. */
function readLine(question: string, echo: NodeJS.WritableStream): Promise<string | undefined> {
  const terminal = createInterface({ input: process.stdin, output: echo, terminal: true, historySize: 0 });
  return new Promise<string | undefined>((resolve, reject) => {
    terminal.once("SIGINT", () => reject(new Stopped()));
    terminal.once("close", () => resolve(undefined));
    // The question comes last: nothing that is typed at once is shown by the terminal itself.
    process.stdout.write(echo === process.stdout ? "" : question);
    terminal.setPrompt(question);
    if (echo === process.stdout) terminal.prompt();
    terminal.once("line", resolve);
  }).finally(() => terminal.close());
}
