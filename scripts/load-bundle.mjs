// Runs a bundle as `require` would, with V8's compiled code kept beside it: reading three megabytes of JavaScript is half of what
// a short command does. (From Node 22 on `module.enableCompileCache()` does the same.)
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire, Module } from "node:module";
import { dirname } from "node:path";
import { constants, Script } from "node:vm";

export function loadBundle(file) {
  const cache = `${file}.cache`;
  const script = new Script(Module.wrap(readFileSync(file, "utf8")), {
    filename: file,
    cachedData: readOr(cache),
    importModuleDynamically: constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const bundle = new Module(file);
  bundle.filename = file;
  script
    .runInThisContext()
    .call(bundle.exports, bundle.exports, createRequire(file), bundle, file, dirname(file));
  // V8 refuses a cache of another source or another version of itself.
  if (script.cachedDataRejected !== false) process.once("exit", () => keep(cache, script.createCachedData()));
}

function readOr(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

function keep(cache, data) {
  try {
    writeFileSync(`${cache}.${process.pid}`, data);
    renameSync(`${cache}.${process.pid}`, cache);
  } catch {
    // Without it everything works as well, only slower.
  }
}
