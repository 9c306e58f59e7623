// Loaded into a command with `node --require`: lets a fault strike at one step of it, in the real process on the real disk.
// STRIKE_AT is JSON: { call, match, when, fault }
//   call   a function of node:fs/promises (mkdir, open, writeFile, rename, rm), spawn of node:child_process, or
//          apply: SIGKILL of terraform soon after it says something in an apply
//   match  a regular expression for its first path, for the words of the program that is spawned, or for what terraform says
//   when   before, in (half of the content is written; after a spawn: while it runs) or after it
//   fault  kill (SIGKILL of this process) or an error code such as ENOSPC
const { appendFileSync } = require("node:fs");
const promises = require("node:fs/promises");
const childProcess = require("node:child_process");

const { call, match, when, fault } = JSON.parse(process.env.STRIKE_AT ?? "{}");
const wanted = new RegExp(match ?? "$^");

function strike() {
  appendFileSync(process.env.STRUCK_FILE, "struck\n");
  if (fault === "kill") {
    process.kill(process.pid, "SIGKILL");
    // The signal needs a moment, in which nothing more may happen.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000);
  }
  throw Object.assign(new Error(`${fault}: a fault of the test, ${call}`), { code: fault });
}

function kill(child) {
  if (child.exitCode !== null || !child.kill("SIGKILL")) return;
  appendFileSync(process.env.STRUCK_FILE, "struck\n");
}

if (call === "apply") {
  const spawn = childProcess.spawn;
  // What terraform says comes out of the relay (src/terraform/relay.ts) whose input it was given.
  const outputs = new Map();
  childProcess.spawn = (program, words, options) => {
    const child = spawn(program, words, options);
    if (child.stdin && child.stdout) outputs.set(child.stdin, child.stdout);
    if (program !== "terraform" || words[0] !== "apply") return child;
    // What else is under way gets the time to end; the fault "timeout" of the sandbox holds the call itself up for longer.
    outputs.get(options.stdio[1]).on("data", (text) => {
      if (wanted.test(text.toString())) setTimeout(kill, 100, child);
    });
    return child;
  };
} else if (call === "spawn") {
  const spawn = childProcess.spawn;
  childProcess.spawn = (program, words, options) => {
    if (!wanted.test([program, ...words].join(" "))) return spawn(program, words, options);
    if (when === "before") strike();
    const child = spawn(program, words, options);
    if (when === "in") setTimeout(strike, 30);
    if (when === "after") child.once("close", strike);
    return child;
  };
} else if (call === "writeFile") {
  const open = promises.open;
  promises.open = async (path, ...rest) => {
    const handle = await open(path, ...rest);
    if (!wanted.test(String(path))) return handle;
    const write = handle.writeFile.bind(handle);
    handle.writeFile = async (content) => {
      if (when === "in") await write(content.subarray(0, content.length / 2));
      if (when === "after") await write(content);
      strike();
    };
    return handle;
  };
} else if (call) {
  const original = promises[call];
  promises[call] = async (path, ...rest) => {
    if (!wanted.test(String(path))) return original(path, ...rest);
    if (when === "before") strike();
    const result = await original(path, ...rest);
    strike();
    return result;
  };
}
