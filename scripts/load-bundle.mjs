// Runs a bundle as `require` would, with V8's compiled code kept beside it: reading three megabytes of JavaScript is half of what
// a short command does. (From Node 22 on `module.enableCompileCache()` does the same.)

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire, Module } from "node:module";
import { basename, dirname, join } from "node:path";
import { constants, Script } from "node:vm";

export function loadBundle(file) {
  const source = readFileSync(file, "utf8");
  // V8 itself only compares the length of the source: a bundle in which one digit changed would go on running as it was.
  const cache = `${file}.${createHash("sha256").update(source).digest("hex").slice(0, 16)}.cache`;
  const script = new Script(Module.wrap(source), {
    filename: file,
    cachedData: readOr(cache),
    importModuleDynamically: constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const bundle = new Module(file);
  bundle.filename = file;
  script
    .runInThisContext()
    .call(bundle.exports, bundle.exports, createRequire(file), bundle, file, dirname(file));
  // V8 refuses a cache of another version of itself.
  if (script.cachedDataRejected !== false)
    process.once("exit", () => {
      keep(cache, script.createCachedData());
      removeOthers(file, cache);
    });
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

/** Caches of earlier bundles. */
function removeOthers(file, cache) {
  const folder = dirname(file);
  for (const name of readdirSync(folder)) {
    const isCache = name.startsWith(`${basename(file)}.`) && name.endsWith(".cache");
    if (isCache && name !== basename(cache)) rmSync(join(folder, name), { force: true });
  }
}
