// Ends the programs of a test run when the process that started them is gone, however it went (a crash, SIGKILL).
// Reads lines from stdin: `+<pid>` has been started, `-<pid>` has ended; the end of stdin is the end of the parent.
import { createInterface } from "node:readline";

const running = new Set();
// A terminal's Ctrl-C goes to everyone: the parent's end is what counts.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith("+")) running.add(pid);
  else running.delete(pid);
}
for (const pid of [...running].reverse()) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
