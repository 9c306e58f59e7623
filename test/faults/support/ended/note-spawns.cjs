// Loaded into a command with `node --require`, and by its environment into the Node processes that it starts: notes in SPAWNED_FILE
// each process that is started, a line of JSON { pid, words, folder } each. Nothing else is different.
const { appendFileSync } = require("node:fs");
const { basename } = require("node:path");
const childProcess = require("node:child_process");

const spawn = childProcess.spawn;
childProcess.spawn = (program, words, options) => {
  const child = spawn(program, words, options);
  const folder = basename(String(options?.cwd ?? ""));
  if (child.pid !== undefined)
    appendFileSync(
      process.env.SPAWNED_FILE,
      `${JSON.stringify({ pid: child.pid, words: [program, ...words], folder })}\n`,
    );
  return child;
};
