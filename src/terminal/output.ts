import pc from "picocolors";

let printed = false;

/** Whether this process has printed a result for a script: there is one at most, or its JSON could not be read. */
export function resultIsPrinted(): boolean {
  return printed;
}

/** Where a command's words go: people read progress and results on stdout, scripts (`--json`) only the result there. */
export class Output {
  /** The beginning of the command, for the times beside progress lines. */
  private readonly begun = Date.now();

  constructor(readonly json: boolean) {}

  /** A line of progress or explanation. */
  line(text = ""): void {
    (this.json ? process.stderr : process.stdout).write(`${text}\n`);
  }

  /** The heading of a part. */
  heading(text: string): void {
    this.line();
    this.line(pc.bold(text));
  }

  /** A step of a stack, with the seconds since the command began: on a dumb terminal and in CI logs one line each. */
  progress(stack: string, text: string): void {
    const seconds = ((Date.now() - this.begun) / 1000).toFixed(1).padStart(5);
    this.line(`${pc.dim(`${seconds}s`)}  ${stack.padEnd(30)} ${text}`);
  }

  /** Something that went wrong. */
  problem(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** The result for a script; nothing without `--json`. */
  result(value: unknown): void {
    if (!this.json) return;
    process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    printed = true;
  }
}
