// Loaded before the program (node --require): counts its calls that change files or start a process, and ends it at one of them with a
// real signal. See deadly-files.ts.
const fs = require("node:fs");
const childProcess = require("node:child_process");

const { point, moment, signal, group, counter, struck } = JSON.parse(process.env.DEADLY);
const { appendFileSync, writeFileSync } = fs;
let calls = 0;
let isOurs = false;

function end(name) {
  isOurs = true;
  writeFileSync(struck, name);
  process.kill(group ? 0 : process.pid, signal);
  // Nothing more is done until the signal arrives.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function wrap(module, name) {
  const real = module[name];
  module[name] = (...args) => {
    if (isOurs) return real(...args);
    calls += 1;
    isOurs = true;
    appendFileSync(counter, "x");
    isOurs = false;
    if (calls !== point) return real(...args);
    if (moment === "before") end(name);
    if (moment === "between" && name === "writeFileSync") {
      const bytes = Buffer.from(args[1], args[2] === "latin1" ? "latin1" : "utf8");
      real(args[0], bytes.subarray(0, Math.floor(bytes.length / 2)), args[2]);
    } else real(...args);
    return end(name);
  };
}

for (const name of [
  "writeFileSync",
  "mkdirSync",
  "rmSync",
  "rmdirSync",
  "renameSync",
  "linkSync",
  "chmodSync",
])
  wrap(fs, name);
wrap(childProcess, "spawnSync");
