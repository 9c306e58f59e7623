// Bundles the sources into dist/: one file for the CDKTF app and one for the commands, so that a cold start takes a fraction
// of a second instead of the ten that ts-node and the providers' barrel files need.
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const BUNDLES = {
  main: "main.ts",
  cli: "src/cli.ts",
  // Terraform's local-exec starts it.
  configure: "src/static-configuration/main.ts",
  "json-schema": "src/config/json-schema.ts",
};

export async function build(root) {
  const esbuild = await import("esbuild");
  const target = join(root, "dist");
  // Built beside and moved into place: a build that is interrupted, or two at once, leave no half bundle behind.
  const fresh = join(target, `build-${process.pid}`);
  mkdirSync(fresh, { recursive: true });
  try {
    await esbuild.build({
      absWorkingDir: root,
      entryPoints: BUNDLES,
      outdir: fresh,
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      // Some packages' CommonJS form can't be bundled (UMD); their ES modules can.
      mainFields: ["module", "main"],
      // Less text to read at every start; names stay, so that stack traces can be read.
      minifyWhitespace: true,
      minifySyntax: true,
      sourcemap: "linked",
      sourcesContent: false,
      // Megabytes that only a command which talks to a bucket loads.
      external: ["@aws-sdk/client-s3"],
      logLevel: "error",
    });
    const { configurationJsonSchema } = createRequire(import.meta.url)(join(fresh, "json-schema.js"));
    writeFileSync(
      join(fresh, "infrastructure.config.schema.json"),
      `${JSON.stringify(configurationJsonSchema(), null, 2)}\n`,
    );
    for (const name of Object.keys(BUNDLES)) {
      renameSync(join(fresh, `${name}.js.map`), join(target, `${name}.js.map`));
      renameSync(join(fresh, `${name}.js`), join(target, `${name}.js`));
    }
    renameSync(
      join(fresh, "infrastructure.config.schema.json"),
      join(target, "infrastructure.config.schema.json"),
    );
    writeFileSync(join(target, "built"), "");
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
