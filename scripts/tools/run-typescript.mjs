// Runs a TypeScript program of this folder: bundled at every start, which takes a fraction of a second, so that nothing in
// dist/ has to be kept up to date for a program that is run now and then.
import { mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepare } from "../prepare.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Runs the program's `main` with the command line's words; its result is the exit code. */
export async function runTypeScript(program) {
  await prepare(root);
  const { build } = await import("esbuild");
  // In dist/, where src/workspace finds the checkout from.
  const file = join(root, "dist", `program-${process.pid}.js`);
  mkdirSync(dirname(file), { recursive: true });
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [program],
      outfile: file,
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      mainFields: ["module", "main"],
      logLevel: "error",
    });
    const { main } = createRequire(import.meta.url)(file);
    // It is in memory now; a run that is killed later leaves nothing behind.
    rmSync(file, { force: true });
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  } finally {
    rmSync(file, { force: true });
  }
}
